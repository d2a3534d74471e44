package main

import (
	"context"
	"strconv"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ControllerModifyVolume accepts what a VolumeAttributesClass asks for, or says what is wrong with it. Nothing becomes of it:
// what there is to a file cannot be tuned, and the resizer that asks may run on another node than the volume's.
func (c *controller) ControllerModifyVolume(
	_ context.Context, r *csi.ControllerModifyVolumeRequest,
) (*csi.ControllerModifyVolumeResponse, error) {
	return &csi.ControllerModifyVolumeResponse{}, acceptable(r.MutableParameters)
}

// acceptable says no to attributes that volumes do not have. InvalidArgument makes a modification infeasible (KEP-3751).
func acceptable(attributes map[string]string) error {
	for name, value := range attributes {
		if name != "iops" {
			return status.Errorf(codes.InvalidArgument, "volumes have no attribute %q: take iops", name)
		}
		if iops, err := strconv.Atoi(value); err != nil || iops < 1 {
			return status.Errorf(codes.InvalidArgument, "iops is a number above 0, not %q", value)
		}
	}
	return nil
}
