package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/schema"
)

// checkSeal tries the recipient's key, and the private key where it lies in the data folder.
func checkSeal(c *config.Config) []finding {
	if c.Seal.Off {
		return []finding{{"seal", warn, "off: secrets inside events stay readable"}}
	}
	ours := c.Seal.Recipient == ""
	if ours {
		public := filepath.Join(string(c.Data), "seal.pub.jwk")
		if _, err := os.Stat(public); errors.Is(err, fs.ErrNotExist) {
			return []finding{{"seal", ok, "a key pair will be made in " + string(c.Data)}}
		}
		own := *c // finding the key that is there changes nothing on disk
		c = &own
		if err := c.EnsureSealKey(); err != nil {
			return []finding{{"seal", fail, err.Error()}}
		}
	}
	sealer, err := c.Sealer()
	if err != nil {
		return []finding{{"seal", fail, err.Error()}}
	}
	private, err := os.ReadFile(c.SealKeyFile())
	if !ours || errors.Is(err, fs.ErrNotExist) {
		return []finding{{"seal", ok, fmt.Sprintf("sealed to %s", c.Seal.Recipient)}}
	}
	if err == nil {
		err = checkKeys(sealer, private)
	}
	if err != nil {
		return []finding{{"seal", fail, fmt.Sprintf("%s: %v", c.SealKeyFile(), err)}}
	}
	return []finding{{"seal", ok, fmt.Sprintf("sealed to %s, opened by %s", c.Seal.Recipient, c.SealKeyFile())}}
}

// checkKeys reports whether the private key opens what the sealer seals.
func checkKeys(sealer *schema.Sealer, private []byte) error {
	compact, err := sealer.Seal([]byte("forebay check"))
	if err != nil {
		return err
	}
	_, err = schema.OpenSealed(private, compact)
	return err
}

// checkData tries the data folder, and compares the free space with what may fill it.
func checkData(c *config.Config) []finding {
	folder, err := nearest(string(c.Data))
	if err != nil {
		return []finding{{"data", fail, err.Error()}}
	}
	file, err := os.CreateTemp(folder, ".check-*")
	if err != nil {
		return []finding{{"data", fail, fmt.Sprintf("cannot write in %s: %v", folder, bare(err))}}
	}
	if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
		return []finding{{"data", fail, err.Error()}}
	}
	text := string(c.Data) + " can be written"
	if folder != string(c.Data) {
		text = string(c.Data) + " will be made"
	}
	found := []finding{{"data", ok, text}}
	if info, err := os.Stat(folder); err == nil && folder == string(c.Data) && info.Mode().Perm()&0o077 != 0 {
		found = append(found, finding{"data", warn,
			fmt.Sprintf("others may look into %s: its mode is %#o, want 0700", folder, info.Mode().Perm())})
	}
	return append(found, checkDisk(c, folder)...)
}

// bare is the error without the name of the file, where that tells nobody anything.
func bare(err error) error {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// nearest is the folder, or that above it which exists.
func nearest(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		if err == nil && !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", folder)
		}
		if err == nil || filepath.Dir(folder) == folder || !errors.Is(err, fs.ErrNotExist) {
			return folder, err
		}
		folder = filepath.Dir(folder)
	}
}

// leastSpace is what the journal leaves free for tidying up, in bytes.
const leastSpace = 64 << 20

func checkDisk(c *config.Config, folder string) []finding {
	usage, err := vfs.Default.GetDiskUsage(folder)
	if err != nil {
		return []finding{{"disk", warn, fmt.Sprintf("free space is not known: %v", err)}}
	}
	wanted := uint64(c.Journal.MaxBytes)
	if !c.NATS.External() {
		wanted += uint64(c.Stream.MaxBytes)
	}
	text := fmt.Sprintf("%s free", gib(usage.AvailBytes))
	switch {
	case usage.AvailBytes < leastSpace:
		return []finding{{"disk", fail, text + ": deliveries will be refused"}}
	case usage.AvailBytes < wanted:
		return []finding{{"disk", warn, text + ", the journal and the stream may grow to " + gib(wanted)}}
	}
	return []finding{{"disk", ok, text}}
}

func gib(n uint64) string { return fmt.Sprintf("%.1fGiB", float64(n)/(1<<30)) }
