package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// once gives the content of a file, and makes the file first if there is none. Of several callers, also in other
// processes, one makes it and all get the same; nobody ever sees a part of it, and nothing is ever overwritten.
func once(path string, mode fs.FileMode, content func() ([]byte, error)) ([]byte, error) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	fresh, err := content()
	if err != nil {
		return nil, err
	}
	if err := place(path, mode, fresh); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// place makes a file with a content, flushed. It fails with fs.ErrExist if there is one: a link, other than a rename,
// never replaces.
func place(path string, mode fs.FileMode, content []byte) error {
	folder := filepath.Dir(path)
	temp, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // its other name stays
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder flushes the names in a folder.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
