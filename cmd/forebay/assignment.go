package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/forebayhq/forebay/config"
)

// An assignment is all that a consumer goes by. Two that are deeply equal are the same work: a reload leaves a consumer
// alone whose assignment is what it was.
type assignment struct {
	consumer config.Consumer              // without Where and Options
	options  any                          // as decoded, secrets included; nil: none
	files    map[string][sha256.Size]byte // what is in the files and folders that the options name
	opens    [sha256.Size]byte            // the private key that opens sealed members
}

// assignment finds out what a consumer goes by now.
func (w workshop) assignment(c config.Consumer) (assignment, error) {
	a := assignment{consumer: c, files: map[string][sha256.Size]byte{}}
	a.consumer.Where, a.consumer.Options = "", nil
	if c.Run == "" {
		return a, nil
	}
	_, options, err := w.make(c)
	if err != nil {
		return a, err
	}
	a.options, a.opens = options.decoded, contents(w.config.SealKeyFile())
	for _, path := range options.files {
		a.files[path] = contents(path)
	}
	return a, nil
}

func (a assignment) equal(b assignment) bool { return reflect.DeepEqual(a, b) }

// maxTemplate bounds what is read of one file.
const maxTemplate = 4 << 20

// contents stands for what is in a file, or in the files of a folder and of the folders in it. What cannot be read counts
// as empty: whoever reads it in earnest says why.
func contents(path string) (sum [sha256.Size]byte) {
	folder := os.DirFS(path)
	files, _ := fs.Glob(folder, "*/*")
	if len(files) == 0 { // a file
		folder, files = os.DirFS(filepath.Dir(path)), []string{filepath.Base(path)}
	}
	h := sha256.New()
	for _, name := range files {
		fmt.Fprintf(h, "%q %x\n", name, sumFile(folder, name))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func sumFile(folder fs.FS, name string) []byte {
	info, err := fs.Stat(folder, name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxTemplate)); err != nil {
		return nil
	}
	return h.Sum(nil)
}
