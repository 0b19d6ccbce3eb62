package main

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newAdmin is the server of the admin listener: for people who operate forebay, and their machines.
//
//	/healthz  200, or 503 when only a restart helps
//	/readyz   200 while deliveries are accepted, else 503; its body says what is wrong either way
//	/metrics  Prometheus
//	/consumers/failures  why consumers had no success lately, for the command consumers
//	/quarantine/release  for the command of that name
//	/debug/pprof/  Go's profiles
//
// Everything is behind [guardAdmin]; hosts are the names by which it may be called.
func newAdmin(r *prometheus.Registry, s store, out *wayOut, draining func() bool, release http.Handler, hosts []string) *http.Server {
	router := mux.NewRouter()
	router.Handle(releasePath, release).Methods(http.MethodPost)
	router.Handle(failuresPath, failuresPage(&out.failures)).Methods(http.MethodGet)
	router.Handle("/metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r}))
	router.HandleFunc("/debug/pprof/profile", pprof.Profile)
	router.HandleFunc("/debug/pprof/trace", pprof.Trace)
	router.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	router.PathPrefix("/debug/pprof/").HandlerFunc(pprof.Index)
	router.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerState(w, state{OK: s.problems().restart == nil, Problems: texts(s.problems().restart)})
	})
	router.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		p := s.problems()
		st := state{OK: p.refuse == nil && !draining(), Problems: texts(append([]error{p.refuse, p.delay}, out.problems()...)...)}
		if draining() {
			st.Problems = append(st.Problems, "draining: stopping soon")
		}
		answerState(w, st)
	})
	return &http.Server{
		Handler: guardAdmin(router, hosts), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
}

// A state is the body of /healthz and /readyz.
type state struct {
	OK       bool     `json:"ok"`
	Problems []string `json:"problems,omitempty"`
}

func texts(errs ...error) (problems []string) {
	for _, err := range errs {
		if err != nil {
			problems = append(problems, strings.Split(err.Error(), "\n")...) // joined errors, one each
		}
	}
	return problems
}

func answerState(w http.ResponseWriter, s state) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !s.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(s) // whoever asked is gone
}
