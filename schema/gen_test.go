package schema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// anyEvent draws events as providers may make them. It goes through the fields by reflection, so that a field which the
// wire forgets is found.
func anyEvent() *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		var e Event
		draw(t, reflect.ValueOf(&e).Elem(), "")
		e.Sensitive = nil
		return e
	})
}

// draw fills v; path is the path of its JSON member.
func draw(t *rapid.T, v reflect.Value, path string) {
	if text, ok := drawWord(t, path); ok {
		v.SetString(text)
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		at := time.Unix(rapid.Int64Range(-60e9, 250e9).Draw(t, path), rapid.Int64Range(0, 1e9-1).Draw(t, path)).UTC()
		if path == "received" {
			at = at.Truncate(time.Millisecond)
		}
		v.Set(reflect.ValueOf(at))
		return
	case json.RawMessage:
		drawRaw(t, v, path)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path+"?") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), path)
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 2).Draw(t, path+"#") {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			draw(t, v.Index(v.Len()-1), path)
		}
	case reflect.Map:
		for range rapid.IntRange(0, 2).Draw(t, path+"#") {
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, path)), reflect.ValueOf(anyJSON().Draw(t, path)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if name != "-" {
				draw(t, v.Field(i), strings.TrimPrefix(path+"."+name, "."))
			}
		}
	default:
		t.Fatalf("%s: no way to draw a %s", path, v.Type())
	}
}

// drawWord draws the members whose text has a form.
func drawWord(t *rapid.T, path string) (string, bool) {
	switch path {
	case "id":
		return rapid.StringN(1, -1, MaxID).Draw(t, path), true
	case "action":
		return rapid.StringMatching(`[a-z][a-z0-9_]{0,9}\.[a-z][a-z0-9_]{0,9}`).Draw(t, path), true
	case "source":
		return rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,9}`).Draw(t, path), true
	case "outcome":
		return string(rapid.SampledFrom([]Outcome{Success, Failure, Unknown}).Draw(t, path)), true
	case "semantics":
		return string(rapid.SampledFrom([]Semantics{Notice, Command}).Draw(t, path)), true
	case "actor.type":
		return rapid.SampledFrom([]string{"user", "admin", "application", "policy", "system"}).Draw(t, path), true
	}
	return "", false
}

func drawRaw(t *rapid.T, v reflect.Value, path string) {
	switch {
	case path == "payload":
		v.SetBytes(anyJSON().Draw(t, path))
	case rapid.Bool().Draw(t, path+"?"):
		v.SetBytes(anyText().Draw(t, path))
	}
}

// anyText draws JSON strings, escapes as they come.
func anyText() *rapid.Generator[json.RawMessage] {
	return rapid.Map(rapid.String(), func(s string) json.RawMessage {
		return json.RawMessage(strings.ReplaceAll(string(appendText(nil, s)), "a", `\u0061`))
	})
}

// anyJSON draws JSON values with blanks between, names that repeat and names that are sensitive.
func anyJSON() *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage { return drawJSON(t, 3) })
}

func drawJSON(t *rapid.T, depth int) json.RawMessage {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return json.RawMessage(rapid.SampledFrom([]string{"null", "true", "false", "-0.50E+1", "12345678901234567890"}).Draw(t, "word"))
	case 1:
		return json.RawMessage(strconv.Itoa(rapid.Int().Draw(t, "number")))
	case 2, 3:
		return anyText().Draw(t, "text")
	case 4:
		return json.RawMessage("[ " + drawList(t, func() string { return string(drawJSON(t, depth-1)) }) + "]")
	}
	return json.RawMessage("{" + drawList(t, func() string {
		name := rapid.SampledFrom([]string{`"a"`, `"<b>"`, `"password"`, `"pass\u0077ord"`, `"token"`}).Draw(t, "name")
		return name + ": " + string(drawJSON(t, depth-1))
	}) + "\n}")
}

func drawList(t *rapid.T, item func() string) string {
	items := make([]string, rapid.IntRange(0, 3).Draw(t, "items"))
	for i := range items {
		items[i] = item()
	}
	return strings.Join(items, " ,")
}
