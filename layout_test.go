package forebay_test

import (
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/forebayhq/forebay"

// everything stands for all packages that are no support for tests.
const everything = "..."

// imports says which of our packages a package may import; nothing else is allowed. A row ends in /* for all folders
// below that have no row of their own. Test files may import any package: they prove how the parts fit, and nothing
// is built on them.
var imports = map[string][]string{
	".":                 {},
	"schema":            {},
	"provider":          {"schema"},
	"provider/*":        {"provider", "schema"},
	"ingress":           {"provider", "schema"},
	"publisher/journal": {"schema"},
	"publisher":         {"publisher/journal", "schema"},
	"broker":            {"schema"},
	"broker/brokertest": {"broker", "schema"},
	"consumer":          {"schema"},
	"consumer/*":        {"consumer", "schema"},
	"dashboard":         {"schema", "consumer"},
	"config":            {"schema", "provider", "consumer"},
	"cmd/forebay":       {everything},
	"scripts/benchmark": {"consumer"}, // as a program of the user's own
	"scripts/proof":     {},           // a checker that shares nothing with what it checks
	"examples/go/*":     {"consumer", "schema"},
	"examples/*":        {"consumer", "schema"},
}

// lists are the map literals that must name every folder below another, and only those.
var lists = []struct{ file, folder string }{
	{"cmd/forebay/providers.go", "provider"},
	{"cmd/forebay/jobs.go", "consumer"},
}

func TestImports(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		may, ok := allowed(f.pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in the import table of layout_test.go", f.path, f.pkg)
			continue
		}
		for _, to := range f.ours() {
			if !slices.Contains(may, to) && (!slices.Contains(may, everything) || testSupport(to)) {
				t.Errorf("%s: package %s may not import %s; the import table of layout_test.go allows %q", f.path, f.pkg, to, may)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	comments := map[string]int{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		comments[f.pkg] += 0
		if f.syntax.Doc == nil {
			continue
		}
		comments[f.pkg]++
		name := f.syntax.Name.Name
		if want := "Package " + name + " "; name != "main" && !strings.HasPrefix(f.syntax.Doc.Text(), want) {
			t.Errorf("%s: the package comment does not begin with %q", f.path, want)
		}
	}
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want 1", pkg, n)
		}
	}
}

func TestRootPackageHoldsOnlyTheTour(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.pkg != "." || f.test {
			continue
		}
		if f.path != "doc.go" || len(f.syntax.Decls) > 0 {
			t.Errorf("%s: the root package holds doc.go, a comment, and nothing else", f.path)
		}
	}
}

func TestNothingHappensOnImport(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, spec := range f.syntax.Imports {
			if to := importPath(spec); spec.Name != nil && spec.Name.Name == "_" && isOurs(to) {
				t.Errorf("%s: blank import of %s", f.path, to)
			}
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init", f.path)
			}
		}
	}
}

func TestListsNameEveryFolder(t *testing.T) {
	for _, list := range lists {
		keys := mapKeys(t, list.file)
		folders := map[string]bool{}
		for pkg := range packages(t) {
			if parent, name := path.Split(pkg); parent == list.folder+"/" && !testSupport(pkg) {
				folders[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(folders)) {
			if !slices.Contains(keys, name) {
				t.Errorf("%s/%s exists; add to the map in %s the line\n\t%q: %s.New,",
					list.folder, name, list.file, name, name)
			}
		}
		for _, name := range keys {
			if !folders[name] {
				t.Errorf("%s lists %q, but there is no folder %s/%s", list.file, name, list.folder, name)
			}
		}
	}
}

// The list of packages in doc.go is the list of folders, the folders of providers and jobs being one entry each.
func TestTourNamesEveryPackage(t *testing.T) {
	item := regexp.MustCompile(`(?m)^//   - (\S+): `)
	var got []string
	for _, m := range item.FindAllStringSubmatch(read(t, "doc.go"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if want := kinds(t); !slices.Equal(got, want) {
		t.Errorf("the tour in doc.go lists\n\t%q\nbut the packages are\n\t%q", got, want)
	}
}

// README.md names every package and every command in its code, support for tests aside, and no command that is not
// there.
func TestReadmeFollowsTheCode(t *testing.T) {
	code := markdownCode(read(t, "README.md"))
	for _, kind := range kinds(t) {
		if !mentions(code, kind) && !testSupport(kind) {
			t.Errorf("README.md does not name the package `%s`", kind)
		}
	}
	known := commands(t)
	for _, name := range known {
		if !mentions(code, name) {
			t.Errorf("README.md does not name the command `forebay %s`", name)
		}
	}
	called := regexp.MustCompile(`(?m)(?:^|\$ |\./cmd/)forebay ([a-z]+)`)
	for _, m := range called.FindAllStringSubmatch(code, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("README.md calls `forebay %s`, which is no command: %q", m[1], known)
		}
	}
}

// Test data holds no secret that opens anything and no address of a living person. Values that tests sign with are
// invented; keys are made when the test runs.
func TestDataHoldsNoSecretAndNobody(t *testing.T) {
	secrets := map[string]*regexp.Regexp{
		"a private key":      regexp.MustCompile(`-----BEGIN [A-Z ]*(PRIVATE KEY|SEED)`),
		"a private JWK":      regexp.MustCompile(`"d"\s*:\s*"[A-Za-z0-9_-]{20,}"`),
		"an NKey seed":       regexp.MustCompile(`\bS[ACOU][A-Z2-7]{56}\b`),
		"a cloud credential": regexp.MustCompile(`\b(AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36}|sk_live_[A-Za-z0-9]{8})`),
	}
	for _, file := range dataFiles(t) {
		text := read(t, file)
		for what, pattern := range secrets {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s holds %s: %.12s…", file, what, found)
			}
		}
		if mail := realMail(text); mail != "" {
			t.Errorf("%s holds an address outside example.com and its like: %s", file, mail)
		}
	}
}

func TestRealMail(t *testing.T) {
	for text, want := range map[string]string{
		"to ada@example.com":                "",
		"ssofy42ada@mail.example.netemail":  "",
		"ada@users.example, kofi@a.test":    "",
		"nats://ada:word@127.0.0.1:4222":    "",
		"ada@example.org kofi@" + "acme.io": "kofi@" + "acme.io",
		"ada@myexample." + "com":            "ada@myexample." + "com",
	} {
		if got := realMail(text); got != want {
			t.Errorf("realMail(%q) = %q, want %q", text, got, want)
		}
	}
}
