package forebay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What layout_test.go reads: this repository's own source.

// A goFile is one parsed file. Paths have slashes and begin at the root of the repository.
type goFile struct {
	path   string // provider/ssofy/ssofy.go
	pkg    string // provider/ssofy; "." is the root
	test   bool
	syntax *ast.File
}

// goFiles parses every Go file of the module, generated and excluded ones too. testdata, folders that begin with a
// full stop and nested modules are none of it, as with the go command.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	walk(t, ".", func(name string) {
		if path.Ext(name) != ".go" || inTestdata(name) {
			return
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, goFile{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), syntax})
	})
	return files
}

// dataFiles are the files that may hold test data: all below testdata, and Go files, whose tests and samples have some.
func dataFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	walk(t, ".", func(name string) {
		if path.Ext(name) == ".go" || inTestdata(name) {
			files = append(files, name)
		}
	})
	return files
}

// walk calls visit with every file of the module.
func walk(t *testing.T, root string, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(name)
		}
		visit(filepath.ToSlash(name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// skipFolder skips hidden folders, nested modules and the data folder of development mode.
func skipFolder(name string) error {
	if name == "." {
		return nil
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil || name == "data" || filepath.Base(name)[0] == '.' {
		return filepath.SkipDir
	}
	return nil
}

func inTestdata(name string) bool {
	return slices.Contains(strings.Split(path.Dir(name), "/"), "testdata")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ours lists the packages of this module that the file imports, without the module's path.
func (f goFile) ours() []string {
	var found []string
	for _, spec := range f.syntax.Imports {
		if to := importPath(spec); isOurs(to) {
			found = append(found, strings.TrimPrefix(strings.TrimPrefix(to, module), "/"))
		}
	}
	return found
}

func importPath(spec *ast.ImportSpec) string {
	to, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to it that it unquotes
	return to
}

func isOurs(to string) bool { return to == module || strings.HasPrefix(to, module+"/") }

// testSupport reports whether a package serves tests alone: provider/providertest.
func testSupport(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// allowed gives the row of the import table for a package.
func allowed(pkg string) (may []string, ok bool) {
	if may, ok = imports[pkg]; !ok {
		may, ok = imports[path.Dir(pkg)+"/*"]
	}
	return may, ok
}

// packages are the folders that have Go files other than tests.
func packages(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.test {
			found[f.pkg] = true
		}
	}
	return found
}

// kinds are the packages below the root, sorted. All providers are one, as are all jobs: one more of them is no change
// to the structure.
func kinds(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for pkg := range packages(t) {
		switch parent := path.Dir(pkg); {
		case pkg == ".":
		case parent == "provider" && !testSupport(pkg):
			found["provider/<name>"] = true
		case parent == "consumer" && !testSupport(pkg):
			found["consumer/<job>"] = true
		case strings.HasPrefix(pkg, "examples/"):
			found["examples/<program>"] = true
		default:
			found[pkg] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// mapKeys gives the string keys of the map literals in a Go file.
func mapKeys(t *testing.T, name string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	ast.Inspect(syntax, func(n ast.Node) bool {
		if literal, ok := n.(*ast.CompositeLit); ok {
			keys = append(keys, literalKeys(literal)...)
		}
		return true
	})
	return keys
}

func literalKeys(literal *ast.CompositeLit) []string {
	if _, ok := literal.Type.(*ast.MapType); !ok {
		return nil
	}
	var keys []string
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
			name, _ := strconv.Unquote(key.Value) // a literal of the parser unquotes
			keys = append(keys, name)
		}
	}
	return keys
}

// commands are the names of the program's commands and of their commands: the fields that kong's tag cmd marks.
func commands(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.pkg != "cmd/forebay" || f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				if name := commandName(field); name != "" {
					found[name] = true
				}
			}
			return true
		})
	}
	if len(found) == 0 {
		t.Fatal("cmd/forebay has no command")
	}
	return slices.Sorted(maps.Keys(found))
}

// commandName is the name of the command that a struct field declares, empty for other fields.
func commandName(field *ast.Field) string {
	if field.Tag == nil || len(field.Names) != 1 {
		return ""
	}
	text, _ := strconv.Unquote(field.Tag.Value) // a literal of the parser unquotes
	tag := reflect.StructTag(text)
	if _, ok := tag.Lookup("cmd"); !ok {
		return ""
	}
	if name := tag.Get("name"); name != "" {
		return name
	}
	return strings.ToLower(field.Names[0].Name)
}

var (
	fenced = regexp.MustCompile("(?ms)^```[^\n]*\n(.*?)^```")
	span   = regexp.MustCompile("`([^`\n]+)`")
)

// markdownCode gives the fenced blocks and the code spans of a page, each beginning a line.
func markdownCode(page string) string {
	var code strings.Builder
	for _, m := range fenced.FindAllStringSubmatch(page, -1) {
		code.WriteString(m[1])
	}
	for _, m := range span.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		code.WriteString(m[1] + "\n")
	}
	return code.String()
}

// mentions reports whether code names a path or a word, by itself and not as a part of a longer one.
func mentions(code, name string) bool {
	return regexp.MustCompile(`(?m)(^|[^\w/])` + regexp.QuoteMeta(name) + `/?($|[^\w/])`).MatchString(code)
}

var (
	mail = regexp.MustCompile(`[A-Za-z0-9._%+-]+@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})`)

	// The names that RFC 2606 and RFC 6761 reserve. Letters may follow: where a provider signs values without borders,
	// test data has ada@example.comauthentication.
	reserved = regexp.MustCompile(`(?i)^([a-z0-9-]+\.)*(example\.(com|org|net)[a-z]*|[a-z0-9-]+\.(example|test|invalid))$`)
)

// realMail gives the first mail address in text that could be somebody's, or nothing.
func realMail(text string) string {
	for _, m := range mail.FindAllStringSubmatch(text, -1) {
		if !reserved.MatchString(m[1]) {
			return m[0]
		}
	}
	return ""
}
