package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ext4 grows while it is mounted only for who has CAP_SYS_RESOURCE, which a container around the test bed may lack.
const fileSystem = "xfs"

// What a file system begins with (fs/xfs/libxfs/xfs_format.h, XFS_SB_MAGIC).
const magic = "XFSB"

func formatted(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, len(magic))
	_, err = f.ReadAt(start, 0)
	return string(start) == magic, err
}

// mountFile mounts the file system in a file, making one first if there is none.
func mountFile(file, target string) error {
	if done, err := formatted(file); err != nil {
		return err
	} else if !done {
		if err := run("mkfs.xfs", "-q", "-K", file); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	device, err := attach(file, true)
	if err != nil {
		return err
	}
	defer device.Close()
	// A copy has the identity of what it was copied from.
	if err := unix.Mount(device.Name(), target, fileSystem, 0, "nouuid"); err != nil {
		return fmt.Errorf("%s cannot be mounted at %s: %w", device.Name(), target, err)
	}
	// It may have been copied from a smaller one.
	return run("xfs_growfs", target)
}

// mounted says whether a mount stands at a path; what is mounted here never lies on the file system of the path itself.
func mounted(path string) (bool, error) {
	var at, above unix.Stat_t
	if err := unix.Lstat(path, &at); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return false, nil
		}
		return false, err
	}
	if err := unix.Lstat(filepath.Dir(path), &above); err != nil {
		return false, err
	}
	return at.Dev != above.Dev, nil
}

func bind(source, target string, readOnly bool) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s cannot be mounted at %s: %w", source, target, err)
	}
	if !readOnly {
		return nil
	}
	return unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// unmount removes what is mounted at a path, if anything is, and the path.
func unmount(path string) error {
	is, err := mounted(path)
	if err != nil {
		return err
	}
	if is {
		if err := unix.Unmount(path, 0); err != nil {
			return fmt.Errorf("%s cannot be unmounted: %w", path, err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func run(command string, args ...string) error {
	process := exec.Command(command, args...)
	// As fstests do (mkfs/xfs_mkfs.c, validate_supported): file systems of less than 300 MB.
	process.Env = append(os.Environ(), "TEST_DIR=/", "TEST_DEV=/", "QA_CHECK_FS=1")
	if output, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, output)
	}
	return nil
}
