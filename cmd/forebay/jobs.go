package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/consumer/command"
	"github.com/forebayhq/forebay/consumer/otp"
	"github.com/forebayhq/forebay/consumer/usersync"
	"github.com/forebayhq/forebay/consumer/webhook"
	"github.com/forebayhq/forebay/schema"
)

// jobs are all that there are. Adding one is a folder and a line here.
var jobs = map[string]func(consumer.JobConfig) (consumer.Job, error){
	"cache":    cache.New,
	"command":  command.New,
	"otp":      otp.New,
	"usersync": usersync.New,
	"webhook":  webhook.New,
}

func jobNames() []string { return slices.Sorted(maps.Keys(jobs)) }

// A workshop is what jobs are made with. The zero value but for its configuration makes jobs that are only looked at.
type workshop struct {
	config  *config.Config
	js      jetstream.JetStream
	log     *slog.Logger
	metrics prometheus.Registerer
	warn    func(text string) // of what works and should be seen; nil: nobody listens
	sockets *listeners        // of jobs that listen; nil: each has its own
}

// job makes the job of a consumer. It opens no connection.
func (w workshop) job(c config.Consumer) (consumer.Job, error) {
	job, options, err := w.make(c)
	if err != nil {
		return nil, err
	}
	for _, file := range options.readable {
		if w.warn != nil {
			w.warn(fmt.Sprintf("%s: everybody on this machine can read %s: chmod 600", c.Where, file))
		}
	}
	return job, nil
}

func (w workshop) make(c config.Consumer) (consumer.Job, *jobOptions, error) {
	options := optionsOf(c)
	job, err := jobs[c.Run](consumer.JobConfig{
		Consumer: c.Name, Options: options.decode(), Prefix: w.config.Stream.Name, Replicas: w.config.Stream.Replicas,
		JS:   func(context.Context) (jetstream.JetStream, error) { return w.js, nil },
		Open: w.open(), Listen: w.listen(c.Name), Now: time.Now, Log: w.log.With("consumer", c.Name), Metrics: w.metrics,
	})
	switch {
	case options.refused != nil:
		return nil, nil, options.refused // it has file, line and key
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", c.Where, err)
	}
	return job, options, nil
}

func (w workshop) listen(consumer string) func(context.Context, string) (net.Listener, error) {
	if w.sockets == nil {
		return nil
	}
	return func(ctx context.Context, address string) (net.Listener, error) {
		return w.sockets.listen(ctx, consumer, address)
	}
}

// open opens sealed members with the private key in the data folder. Nil: it was moved to where it is safe, or is with
// somebody else.
func (w workshop) open() func(string) ([]byte, error) {
	key, err := loadSealKey(w.config, "")
	if err != nil || key.missing != nil {
		return nil
	}
	return func(compact string) ([]byte, error) { return schema.OpenSealed(key.jwk, compact) }
}

// A redisLog takes what go-redis would write to standard error, through a logger that the whole process shares. What goes
// wrong it returns as errors too, which attempts log; so this is for debugging.
type redisLog struct{ *slog.Logger }

// Printf is what go-redis calls.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.DebugContext(ctx, "redis", "err", fmt.Sprintf(format, v...))
}

// tryJobs makes the job of every consumer to see that it can be made. Its errors are those of all of them.
func tryJobs(c *config.Config) (err error) {
	for _, each := range c.Consumers {
		if each.Run != "" {
			_, refused := trial(c).job(each)
			err = errors.Join(err, refused)
		}
	}
	return err
}

func trial(c *config.Config) workshop {
	return workshop{config: c, log: slog.New(slog.DiscardHandler), metrics: prometheus.NewRegistry()}
}

// checkConsumers makes the job of every consumer.
func checkConsumers(c *config.Config) (found []finding) {
	for _, each := range c.Consumers {
		name := "consumer " + each.Name
		if each.Run == "" {
			found = append(found, finding{name, ok, "a durable without a job: bind a client of yours"})
			continue
		}
		shop := trial(c)
		shop.warn = func(text string) { found = append(found, finding{name, warn, text}) }
		if _, err := shop.job(each); err != nil {
			found = append(found, finding{name, fail, err.Error()})
			continue
		}
		found = append(found, finding{name, ok, "runs " + each.Run})
	}
	return found
}

// events is the stream as package consumer sees it. Dead letters are kept as long as events are.
func events(c *config.Config) consumer.Stream {
	return consumer.Stream{
		Name: c.Stream.Name, Prefix: c.Stream.Prefix, Replicas: c.Stream.Replicas,
		MaxAge: c.Stream.MaxAge, MaxBytes: int64(c.Stream.MaxBytes),
	}
}
