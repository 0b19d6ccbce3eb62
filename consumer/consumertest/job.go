package consumertest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/goccy/go-yaml"
)

// YAML decodes a job's options strictly, as the configuration does: for consumer.JobConfig.
func YAML(text string) func(options any) error {
	return func(options any) error {
		return yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(options)
	}
}

// Overlay sets those of a job's options that are not zero in o, a struct of the same type: for consumer.JobConfig.
func Overlay(o any) func(options any) error {
	from := reflect.ValueOf(o)
	return func(options any) error {
		into := reflect.ValueOf(options).Elem()
		for i := range from.NumField() {
			if !from.Field(i).IsZero() {
				into.Field(i).Set(from.Field(i))
			}
		}
		return nil
	}
}

// Verdict is what a handler's error leads to: "ack", "retry", "permanent", "after 1m30s". The types behind
// consumer.Permanent and consumer.After are the consumer's own, so they are told by name.
func Verdict(err error) string {
	if err == nil {
		return "ack"
	}
	for ; err != nil; err = errors.Unwrap(err) {
		switch fmt.Sprintf("%T", err) {
		case "consumer.permanentError":
			return "permanent"
		case "consumer.afterError":
			return "after " + time.Duration(reflect.ValueOf(err).FieldByName("delay").Int()).String()
		}
	}
	return "retry"
}
