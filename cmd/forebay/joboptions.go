package main

import (
	"os"
	"reflect"
	"strings"

	"github.com/forebayhq/forebay/config"
)

// The jobOptions of a consumer are decoded by its job, which alone knows their shape. What is seen on the way stays here.
type jobOptions struct {
	consumer config.Consumer
	decoded  any      // a copy that the job does not get hold of; nil: there are none
	refused  error    // why they cannot be decoded, with file, line and key
	files    []string // files, and folders of templates, that they name
	readable []string // files with secrets that everybody on this machine can read
}

func optionsOf(c config.Consumer) *jobOptions { return &jobOptions{consumer: c} }

// decode is what the job decodes its options with. Nil: there are none.
func (o *jobOptions) decode() func(into any) error {
	if o.consumer.Options == nil {
		return nil
	}
	return func(into any) error {
		if o.refused = o.consumer.Options(into); o.refused != nil {
			return o.refused
		}
		own := reflect.New(reflect.TypeOf(into).Elem())
		o.refused = o.consumer.Options(own.Interface())
		o.decoded = own.Elem().Interface()
		o.look("", own)
		return o.refused
	}
}

// look finds the files: what is of type Path, but for the folder that programs run in. Those whose key ends in key or in
// _file hold secrets.
func (o *jobOptions) look(key string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			o.look(key, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name, ok := v.Type().Field(i).Tag.Lookup("yaml"); ok {
				o.look(name, v.Field(i))
			}
		}
	case reflect.Map:
		for each := v.MapRange(); each.Next(); {
			o.look(key, each.Value())
		}
	case reflect.String:
		if v.Type().Name() != "Path" || v.String() == "" || key == "dir" {
			return
		}
		o.files = append(o.files, v.String())
		if strings.HasSuffix(key, "key") || strings.HasSuffix(key, "_file") {
			o.note(v.String())
		}
	}
}

// note keeps a file that everybody can read.
func (o *jobOptions) note(file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o004 != 0 {
		o.readable = append(o.readable, file)
	}
}
