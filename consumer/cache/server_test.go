package cache_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// startCluster makes three masters with a third of the slots each.
func startCluster(t *testing.T) (addresses []string) {
	t.Helper()
	var nodes []*consumertest.Redis
	for range 3 {
		bus := fmt.Sprint(consumertest.FreePort()) // the default, port + 10000, may be out of range
		nodes = append(nodes, consumertest.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus))
	}
	ctx := t.Context()
	for i, n := range nodes {
		from, to := i*16384/3, (i+1)*16384/3-1
		if err := n.Client().ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			t.Fatal(err)
		}
		err := n.Client().Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, n.Addr())
	}
	for _, n := range nodes[1:] {
		bus := n.Args[len(n.Args)-1]
		if err := nodes[0].Client().Do(ctx, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(n.Port), bus).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		consumertest.Eventually(t, "the cluster to form", func() bool {
			info, err := n.Client().ClusterInfo(context.Background()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return addresses
}

// startSentinel makes a Sentinel that watches a master by the name "main".
func startSentinel(t *testing.T, master *consumertest.Redis) *consumertest.Redis {
	t.Helper()
	port, file := consumertest.FreePort(), filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %d 1\n", port, master.Port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return consumertest.StartRedisOn(t, port, file, "--sentinel")
}
