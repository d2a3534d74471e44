package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// nodeService is what the kubelet calls: it stages a volume once for the node, and publishes it to each pod.
type nodeService struct {
	csi.UnimplementedNodeServer
	volumes  *volumes
	node     string
	topology *csi.Topology
}

func (n *nodeService) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.node, AccessibleTopology: n.topology}, nil
}

func (n *nodeService) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	response := &csi.NodeGetCapabilitiesResponse{}
	for _, t := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: t}}
		response.Capabilities = append(response.Capabilities, &csi.NodeServiceCapability{Type: rpc})
	}
	return response, nil
}

// NodeStageVolume mounts the file system, or attaches the block device, which nothing holds until a pod opens it.
func (n *nodeService) NodeStageVolume(
	_ context.Context, r *csi.NodeStageVolumeRequest,
) (*csi.NodeStageVolumeResponse, error) {
	file, err := n.volumes.find(r.VolumeId)
	if err != nil {
		return nil, err
	}
	devices, err := attachedTo(file)
	if err != nil {
		return nil, err
	}
	response := &csi.NodeStageVolumeResponse{}
	if r.VolumeCapability.GetBlock() != nil {
		if len(devices) > 0 {
			return response, nil
		}
		device, err := attach(file, false)
		if err != nil {
			return nil, err
		}
		return response, device.Close()
	}
	if is, err := mounted(r.StagingTargetPath); err != nil || is {
		return response, err
	}
	return response, mountFile(file, r.StagingTargetPath)
}

func (n *nodeService) NodeUnstageVolume(
	_ context.Context, r *csi.NodeUnstageVolumeRequest,
) (*csi.NodeUnstageVolumeResponse, error) {
	response := &csi.NodeUnstageVolumeResponse{}
	if is, err := mounted(r.StagingTargetPath); err != nil {
		return nil, err
	} else if is {
		return response, unmount(r.StagingTargetPath)
	}
	file, err := n.volumes.find(r.VolumeId)
	if err != nil {
		return response, nil
	}
	devices, err := attachedTo(file)
	for _, device := range devices {
		err = errors.Join(err, onDevice(device, unix.LOOP_CLR_FD))
	}
	return response, err
}

func (n *nodeService) NodePublishVolume(
	_ context.Context, r *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	response := &csi.NodePublishVolumeResponse{}
	file, err := n.volumes.find(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if is, err := mounted(r.TargetPath); err != nil || is {
		return response, err
	}
	if err := os.MkdirAll(filepath.Dir(r.TargetPath), 0o750); err != nil {
		return nil, err
	}
	if r.VolumeCapability.GetBlock() == nil {
		if err := os.MkdirAll(r.TargetPath, 0o750); err != nil {
			return nil, err
		}
		return response, bind(r.StagingTargetPath, r.TargetPath, r.Readonly)
	}
	devices, err := attachedTo(file)
	if err != nil {
		return nil, err
	}
	if len(devices) == 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is not staged", r.VolumeId)
	}
	if err := os.WriteFile(r.TargetPath, nil, 0o600); err != nil {
		return nil, err
	}
	return response, bind(devices[0], r.TargetPath, r.Readonly)
}

func (n *nodeService) NodeUnpublishVolume(
	_ context.Context, r *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	return &csi.NodeUnpublishVolumeResponse{}, unmount(r.TargetPath)
}

// NodeExpandVolume grows the file, the device, and the file system on it, while pods go on using them.
func (n *nodeService) NodeExpandVolume(
	_ context.Context, r *csi.NodeExpandVolumeRequest,
) (*csi.NodeExpandVolumeResponse, error) {
	file, err := n.volumes.find(r.VolumeId)
	if err != nil {
		return nil, err
	}
	size := r.GetCapacityRange().GetRequiredBytes()
	if err := n.volumes.grow(r.VolumeId, size); err != nil {
		return nil, err
	}
	devices, err := attachedTo(file)
	if err != nil {
		return nil, err
	}
	for _, device := range devices {
		if err := onDevice(device, unix.LOOP_SET_CAPACITY); err != nil {
			return nil, err
		}
	}
	if len(devices) > 0 && r.VolumeCapability.GetBlock() == nil {
		if err := run("xfs_growfs", r.VolumePath); err != nil {
			return nil, err
		}
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: size}, nil
}
