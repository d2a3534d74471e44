package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// volumes are sparse files, named by their volume's id, whose sizes together never exceed the capacity. All state is in
// the files. Errors are those of gRPC, with the codes that the CSI specification demands.
type volumes struct {
	dir      string
	capacity int64
	mutex    sync.Mutex
}

func (v *volumes) find(id string) (string, error) {
	if id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return "", status.Errorf(codes.InvalidArgument, "%q is no id of a volume", id)
	}
	file := filepath.Join(v.dir, id)
	if _, err := os.Stat(file); err != nil {
		return file, status.Errorf(codes.NotFound, "this node has no volume %s", id)
	}
	return file, nil
}

func (v *volumes) free() (int64, error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return 0, err
	}
	free := v.capacity
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			free -= info.Size()
		}
	}
	return max(free, 0), nil
}

// create makes a volume, as a copy of another one if source names one; a volume that is there already is left alone.
func (v *volumes) create(id string, size int64, source string) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	file, err := v.find(id)
	if info, exists := os.Stat(file); err == nil && exists == nil {
		if info.Size() != size {
			return status.Errorf(codes.AlreadyExists, "volume %s has %d bytes, not %d", id, info.Size(), size)
		}
		return nil
	}
	if status.Code(err) == codes.InvalidArgument {
		return err
	}
	if err := v.fits(size); err != nil {
		return err
	}
	// Under its name only once it is complete; no volume's name begins with a dot.
	partial := filepath.Join(v.dir, "."+id)
	if err := os.WriteFile(partial, nil, 0o600); err != nil {
		return err
	}
	if source != "" {
		original, err := v.find(source)
		if err != nil {
			// The provisioner then lets the scheduler choose another node.
			return status.Errorf(codes.ResourceExhausted, "volume %s, to be copied, is not on this node", source)
		}
		if err := copySparse(original, partial); err != nil {
			return err
		}
	}
	if err := os.Truncate(partial, size); err != nil {
		return err
	}
	return os.Rename(partial, file)
}

func (v *volumes) grow(id string, size int64) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	file, err := v.find(id)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() >= size {
		return err
	}
	if err := v.fits(size - info.Size()); err != nil {
		return status.Error(codes.OutOfRange, status.Convert(err).Message())
	}
	return os.Truncate(file, size)
}

func (v *volumes) remove(id string) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	file, err := v.find(id)
	if status.Code(err) == codes.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	devices, err := attachedTo(file)
	if err != nil {
		return err
	}
	if len(devices) > 0 {
		return status.Errorf(codes.FailedPrecondition, "volume %s is in use as %s", id, devices[0])
	}
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (v *volumes) fits(size int64) error {
	free, err := v.free()
	if err == nil && size > free {
		err = status.Errorf(codes.ResourceExhausted, "%d bytes are asked for, and %d are free on this node", size, free)
	}
	return err
}

const chunk = 1 << 20

// copySparse copies what is not zero.
func copySparse(source, target string) error {
	// What a pod has written so far may still be in the cache of the device.
	unix.Sync()
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	buffer, zero := make([]byte, chunk), make([]byte, chunk)
	for offset := int64(0); ; offset += chunk {
		n, err := io.ReadFull(from, buffer)
		if n > 0 && !bytes.Equal(buffer[:n], zero[:n]) {
			if _, err := to.WriteAt(buffer[:n], offset); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
