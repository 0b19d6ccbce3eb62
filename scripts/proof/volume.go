package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A volume is an ext4 file system in a file, mounted through a loop device.
type volume struct {
	file string
	at   string // where it is mounted
}

// canMount says why there are no volumes on this machine.
func canMount() error {
	if os.Geteuid() != 0 {
		return cannotf("mounting a file system needs root")
	}
	for _, program := range []string{"mkfs.ext4", "mount", "umount", "fsfreeze", "truncate", "cp"} {
		if _, err := exec.LookPath(program); err != nil {
			return cannotf("%v", err)
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return cannotf("no loop devices: %v", err)
	}
	return nil
}

// newVolume makes and mounts one. It takes up what is written to it, no more.
func newVolume(ctx context.Context, file, at string, megabytes int) (*volume, error) {
	v := &volume{file: file, at: at}
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, err
	}
	for _, command := range [][]string{
		{"truncate", "--size", fmt.Sprintf("%dM", megabytes), file},
		{"mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", file},
	} {
		if err := tool(ctx, command...); err != nil {
			return nil, err
		}
	}
	if err := v.mount(ctx); err != nil {
		return nil, cannotf("%v", err)
	}
	return v, nil
}

func (v *volume) mount(ctx context.Context) error {
	return tool(ctx, "mount", "-t", "ext4", "-o", "loop,noatime", v.file, v.at)
}

// unmount gives the loop device back, too. It works when the proof is interrupted.
func (v *volume) unmount() error {
	return tool(context.Background(), "umount", v.at)
}

// tool runs a program in a process group of its own, so that an interrupt from the terminal does not tear it.
func tool(ctx context.Context, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if output, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}

// A drive is a disk that can be copied at one moment. It is a file system in a file, in a file system in a file: freezing
// the outer one holds the inner one's disk, and writes nothing of what the inner one has not written.
//
// With a cache there are three, and the one in the middle stands for the disk's own cache: what was not flushed through
// it is gone when power is.
type drive struct {
	volumes []*volume // the outermost first
	copied  string
}

// driveImage is the name of the file in each volume that holds the next.
const driveImage = "disk"

func newDrive(ctx context.Context, dir string, megabytes int, cache bool) (d *drive, err error) {
	layers := 2
	if cache {
		layers = 3
	}
	d = &drive{copied: filepath.Join(dir, "copied")}
	file := filepath.Join(dir, driveImage)
	for n := range layers {
		at := filepath.Join(dir, fmt.Sprintf("volume-%d", n))
		v, err := newVolume(ctx, file, at, megabytes+(layers-1-n)*megabytes/2)
		if err != nil {
			return nil, errors.Join(err, d.remove())
		}
		d.volumes = append(d.volumes, v)
		file = filepath.Join(at, driveImage)
	}
	return d, nil
}

// data is the folder on the drive.
func (d *drive) data() string { return filepath.Join(d.volumes[len(d.volumes)-1].at, "data") }

// copyOnFreeze thaws whatever becomes of the copy, and of us.
const copyOnFreeze = `fsfreeze --freeze "$1" || exit; cp --sparse=always --reflink=never "$2" "$3"; copied=$?; fsfreeze --unfreeze "$1"; exit $copied`

// snapshot copies what has reached the disk at this moment. Whoever waits for the disk meanwhile goes on afterwards.
func (d *drive) snapshot() error {
	return tool(context.Background(), "sh", "-c", copyOnFreeze, "sh", d.volumes[0].at, d.volumes[1].file, d.copied)
}

// restore puts the snapshot in the place of the disk. Nobody may have it open.
func (d *drive) restore(ctx context.Context) error {
	for _, v := range slices.Backward(d.volumes[1:]) {
		if err := v.unmount(); err != nil {
			return err
		}
	}
	if err := tool(ctx, "cp", "--sparse=always", d.copied, d.volumes[1].file); err != nil {
		return err
	}
	for _, v := range d.volumes[1:] {
		if err := v.mount(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *drive) remove() (err error) {
	for _, v := range slices.Backward(d.volumes) {
		err = errors.Join(err, v.unmount())
	}
	return err
}
