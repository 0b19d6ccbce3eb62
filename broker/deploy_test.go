package broker

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What the user app of the Compose files may do is as little as what a user of the embedded server may.
func TestDeployedApp(t *testing.T) {
	for _, c := range []struct {
		file    string
		servers int
		durable string
	}{
		{"../deploy/compose/nats.conf", 1, "audit"},
		{"../deploy/compose/nats.conf", 1, "example"},
		{"../deploy/cluster/nats.conf", 3, "audit"},
	} {
		t.Run(filepath.Base(filepath.Dir(c.file))+"/"+c.durable, func(t *testing.T) {
			urls := startDeployed(t, c.file, c.servers)
			operator, err := jetstream.New(connect(t, urls[0], "forebay", "operators"))
			if err != nil {
				t.Fatal(err)
			}
			makeStream(t, operator, c.servers, c.durable, "crm")
			var apps []*nats.Conn
			for _, url := range urls { // the durable has its leader on one of them, and app asks any
				apps = append(apps, connect(t, url, "app", "apps"))
			}
			for _, app := range apps {
				checkWorksOff(t, operator, app, c.durable)
				checkMayNothingElse(t, app, c.durable)
			}
			for _, app := range apps {
				checkShutIn(t, operator, app, c.durable)
			}
		})
	}
}

// startDeployed runs servers with that very file, but for addresses and folders, and returns their URLs.
func startDeployed(t *testing.T, file string, servers int) (urls []string) {
	t.Helper()
	t.Setenv("NATS_PASSWORD", "operators")
	t.Setenv("NATS_APP_PASSWORD", "apps")
	var routes string
	var running []*server.Server
	for n := range servers {
		t.Setenv("NATS_NAME", fmt.Sprint("nats-", n+1))
		s := startFile(t, file, routes)
		if n == 0 && servers > 1 {
			routes = "nats-route://forebay:operators@" + s.ClusterAddr().String()
		}
		running, urls = append(running, s), append(urls, s.ClientURL())
	}
	if servers > 1 {
		wait(t, "a cluster with a leader", func() bool {
			return slices.ContainsFunc(running, func(s *server.Server) bool {
				return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == servers
			})
		})
	}
	return urls
}

func startFile(t *testing.T, file, routes string) *server.Server {
	t.Helper()
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.HTTPPort, o.StoreDir = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir()
	o.NoSigs, o.NoLog = true, true
	if o.Cluster.Port != 0 {
		o.Cluster.Host, o.Cluster.Port = "127.0.0.1", server.RANDOM_PORT
		o.Routes = server.RoutesFromStr(routes)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

func connect(t *testing.T, url, user, password string) *nats.Conn {
	t.Helper()
	silent := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	nc, err := nats.Connect(url, nats.UserInfo(user, password), silent)
	if err != nil {
		t.Fatalf("log in as %s: %v", user, err)
	}
	t.Cleanup(nc.Close)
	return nc
}
