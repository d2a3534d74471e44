package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

const loopMajor = 7

// attaching is for one at a time in this process; who else takes the free device first makes us try another.
var attaching sync.Mutex

// attach makes a file a block device (loop(4)). The device is released with its last user when autoclear is set; keep the
// returned file open until it has one.
func attach(file string, autoclear bool) (*os.File, error) {
	attaching.Lock()
	defer attaching.Unlock()
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd())}
	copy(config.Info.File_name[:], filepath.Base(file))
	if autoclear {
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	}
	for {
		device, err := freeDevice()
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("%s cannot be attached to %s: %w", file, device.Name(), err)
		}
	}
}

func freeDevice() (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("no free loop device: %w", err)
	}
	name := fmt.Sprintf("/dev/loop%d", number)
	// In a container /dev may be an ordinary folder, in which the kernel makes no new devices.
	if err := unix.Mknod(name, unix.S_IFBLK|0o660, int(unix.Mkdev(loopMajor, uint32(number)))); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

// attachedTo names the loop devices of a file. Files are told apart by device and inode: names of another mount
// namespace say nothing.
func attachedTo(file string) ([]string, error) {
	var wanted unix.Stat_t
	if err := unix.Stat(file, &wanted); err != nil {
		return nil, err
	}
	names, err := filepath.Glob("/sys/block/loop*/loop")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		device := filepath.Join("/dev", filepath.Base(filepath.Dir(name)))
		info, err := statusOf(device)
		if err == nil && info.Inode == wanted.Ino && info.Device == wanted.Dev {
			found = append(found, device)
		}
	}
	return found, nil
}

func statusOf(device string) (*unix.LoopInfo64, error) {
	file, err := os.Open(device)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return unix.IoctlLoopGetStatus64(int(file.Fd()))
}

// onDevice runs a request of loop(4) that has no argument.
func onDevice(device string, request uint) error {
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.IoctlSetInt(int(file.Fd()), request, 0)
}
