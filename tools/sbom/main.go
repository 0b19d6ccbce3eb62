// Command sbom prints what a Go program was built from as a CycloneDX bill of materials, in JSON: the modules that are
// linked in, their versions and checksums, as the program itself carries them.
//
//	sbom ./forebay >forebay.cdx.json
//
// The usual tool, cyclonedx-gomod, reads the same from the same place; what it adds is a serial number and the time, and
// with them no two builds are alike. The types are those of its library.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("want one program, got %d", len(args))
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return err
	}
	bill, err := newBill(info)
	if err != nil {
		return err
	}
	if bill.Metadata.Component.Hashes, err = fileHash(args[0]); err != nil {
		return err
	}
	return cyclonedx.NewBOMEncoder(stdout, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bill, cyclonedx.SpecVersion1_6)
}

// newBill lists the linked modules. What depends on what is not in a program, so all hang on the program itself.
func newBill(info *debug.BuildInfo) (*cyclonedx.BOM, error) {
	program := component(cyclonedx.ComponentTypeApplication, info.Main.Path, info.Main.Version)
	components := []cyclonedx.Component{
		component(cyclonedx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go")),
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := component(cyclonedx.ComponentTypeLibrary, m.Path, m.Version)
		hashes, err := moduleHash(m.Sum)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Path, err)
		}
		c.Hashes = hashes
		components = append(components, c)
	}
	refs := make([]string, len(components))
	for i, c := range components {
		refs[i] = c.BOMRef
	}
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{Component: &program, Properties: settings(info)}
	bill.Components = &components
	bill.Dependencies = &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	return bill, nil
}

// component is a Go module; its package URL, https://github.com/package-url/purl-spec, is its name within the bill.
func component(kind cyclonedx.ComponentType, path, version string) cyclonedx.Component {
	purl := "pkg:golang/" + path + "@" + url.QueryEscape(version)
	return cyclonedx.Component{Type: kind, BOMRef: purl, Name: path, Version: version, PackageURL: purl}
}

// settings are those that say for what, and from what, the program was built.
func settings(info *debug.BuildInfo) *[]cyclonedx.Property {
	var found []cyclonedx.Property
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED", "-trimpath", "vcs.revision", "vcs.time", "vcs.modified":
			found = append(found, cyclonedx.Property{Name: "go:build:" + s.Key, Value: s.Value})
		}
	}
	return &found
}

// moduleHash reads a checksum of go.sum, "h1:" and base64: the SHA-256 of the list of the module's files.
// A module from a folder has none.
func moduleHash(sum string) (*[]cyclonedx.Hash, error) {
	if sum == "" {
		return nil, nil
	}
	encoded, ok := strings.CutPrefix(sum, "h1:")
	if !ok {
		return nil, fmt.Errorf("a checksum of an unknown kind: %s", sum)
	}
	digest, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	return sha256Hash(digest), nil
}

func fileHash(name string) (*[]cyclonedx.Hash, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	return sha256Hash(digest[:]), nil
}

func sha256Hash(digest []byte) *[]cyclonedx.Hash {
	return &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(digest)}}
}
