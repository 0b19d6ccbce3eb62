package usersync_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// server is one that all tests of the package share. Every test has a schema of its own in it. It is set by TestMain and
// nobody else.
var server *consumertest.Postgres

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "forebay-postgres")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if server, err = consumertest.NewPostgres(folder); err != nil {
		return 1, err
	}
	code = m.Run()
	server.Stop(syscall.SIGQUIT)
	if err = goleak.Find(); code == 0 && err != nil {
		code = 1
	}
	return code, err
}

// schemaName is a fresh name for a test.
func schemaName(t testing.TB) string {
	name := strings.ToLower(strings.NewReplacer("/", "_", "#", "_").Replace(t.Name()))
	return name[:min(len(name), 40)] + "_" + strconv.FormatInt(time.Now().UnixNano()%1e9, 36)
}
