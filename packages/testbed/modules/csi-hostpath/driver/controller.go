package main

import (
	"context"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const defaultSize = 1 << 30

// controller makes and removes the volumes of its own node. It cannot expand them: only the node can, so that it does not
// matter on which node the resizer runs that has the lease.
type controller struct {
	csi.UnimplementedControllerServer
	volumes  *volumes
	topology *csi.Topology
}

func (c *controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, t := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_GET_CAPACITY,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_MODIFY_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: t}}
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{Type: rpc})
	}
	return response, nil
}

func (c *controller) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if refused := refusal(r.VolumeCapabilities); refused != "" {
		return nil, status.Error(codes.InvalidArgument, refused)
	}
	if err := acceptable(r.MutableParameters); err != nil {
		return nil, err
	}
	size := r.GetCapacityRange().GetRequiredBytes()
	if size == 0 {
		size = defaultSize
	}
	// The name is unique and a fine file name: pvc-UID.
	source := r.GetVolumeContentSource().GetVolume().GetVolumeId()
	if err := c.volumes.create(r.Name, size, source); err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId:           r.Name,
		CapacityBytes:      size,
		ContentSource:      r.VolumeContentSource,
		AccessibleTopology: []*csi.Topology{c.topology},
	}}, nil
}

func (c *controller) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	return &csi.DeleteVolumeResponse{}, c.volumes.remove(r.VolumeId)
}

func (c *controller) GetCapacity(_ context.Context, r *csi.GetCapacityRequest) (*csi.GetCapacityResponse, error) {
	if refusal(r.VolumeCapabilities) != "" {
		return &csi.GetCapacityResponse{}, nil
	}
	free, err := c.volumes.free()
	return &csi.GetCapacityResponse{AvailableCapacity: free}, err
}

func (c *controller) ValidateVolumeCapabilities(
	_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if _, err := c.volumes.find(r.VolumeId); err != nil {
		return nil, err
	}
	if refused := refusal(r.VolumeCapabilities); refused != "" {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: refused}, nil
	}
	confirmed := &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: r.VolumeCapabilities}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: confirmed}, nil
}

// refusal says what of the capabilities cannot be had, or nothing.
func refusal(capabilities []*csi.VolumeCapability) string {
	for _, capability := range capabilities {
		switch capability.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
			csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER,
			csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER:
			return "a volume is on one node only: take ReadWriteOnce or ReadWriteOncePod"
		}
		if fs := capability.GetMount().GetFsType(); fs != "" && fs != fileSystem {
			return "the only file system is " + fileSystem + ", not " + fs
		}
	}
	return ""
}
