package config

import (
	flags "flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const referenceFile = "../../docs/configuration.md"

// TestReference holds docs/configuration.md to what the types say. It is written with -update.
func TestReference(t *testing.T) {
	want := reference(t)
	if flags.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(referenceFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/configuration.md is behind the types; run go test ./core/config -run TestReference -update (-want +got):\n%s", diff)
	}
}

// A section of the reference: a table of fields.
type section struct {
	path string
	t    reflect.Type
}

// composedOf are the structs behind values that read themselves.
var composedOf = map[reflect.Type]reflect.Type{
	reflect.TypeFor[rawKey]():        reflect.TypeFor[rawKeyPair](),
	reflect.TypeFor[rawRemoteID]():   reflect.TypeFor[rawEnterpriseID](),
	reflect.TypeFor[rawBootVendor](): reflect.TypeFor[rawBootVendorClass](),

	reflect.TypeFor[rawCondition]():                      reflect.TypeFor[rawTests](),
	reflect.TypeFor[matcher[rawComparisons]]():           reflect.TypeFor[rawComparisons](),
	reflect.TypeFor[matcher[rawHexComparisons]]():        reflect.TypeFor[rawHexComparisons](),
	reflect.TypeFor[matcher[rawDUIDComparisons]]():       reflect.TypeFor[rawDUIDComparisons](),
	reflect.TypeFor[matcher[rawEnterpriseComparisons]](): reflect.TypeFor[rawEnterpriseComparisons](),
}

// sections walks the types from the file down. A struct that stands in several places has one section.
func sections(path string, t reflect.Type, seen map[reflect.Type]string) (out []section) {
	if inner, ok := composedOf[t]; ok {
		t = inner
	}
	switch t.Kind() {
	case reflect.Pointer:
		return sections(path, t.Elem(), seen)
	case reflect.Slice:
		return sections(path+"[]", t.Elem(), seen)
	}
	if isValue(t) || t.Kind() != reflect.Struct || seen[t] != "" && seen[t] != path {
		return nil
	}
	seen[t] = cmpOr(path, "the file")
	for _, f := range fieldsOf(t) { // what this one has itself isn't left to those below it
		if own := t.Field(f.index).Type; own.Kind() == reflect.Pointer && seen[own.Elem()] == "" {
			seen[own.Elem()] = join(path, f.name)
		}
	}
	out = append(out, section{path, t})
	for _, f := range fieldsOf(t) {
		out = append(out, sections(join(path, f.name), t.Field(f.index).Type, seen)...)
	}
	return out
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func isValue(t reflect.Type) bool {
	_, is := reflect.New(t).Interface().(value)
	return is
}

// typeName is a type as people know it.
func typeName(t reflect.Type, tag reflect.StructTag, seen map[reflect.Type]string) string {
	low, high := bounds(tag)
	bounded := tag.Get("min") != "" || tag.Get("max") != ""
	of := func(what, unit string) string {
		if !bounded {
			return what
		}
		return fmt.Sprintf("%s, %d to %d%s", what, low, high, unit)
	}
	if t == reflect.TypeFor[rawCondition]() {
		return "[table](#" + anchor(seen[reflect.TypeFor[rawTests]()]) + "), or a list of them"
	}
	if inner, ok := composedOf[t]; ok && strings.HasPrefix(t.Name(), "matcher[") {
		return "one or a list, or [table](#" + anchor(seen[inner]) + ")"
	}
	if inner, ok := composedOf[t]; ok {
		return "text, or [table](#" + anchor(seen[inner]) + ")"
	}
	switch t {
	case reflect.TypeFor[text]():
		if words := tag.Get("enum"); words != "" {
			return "`" + strings.ReplaceAll(words, "|", "`, `") + "`"
		}
		return "text"
	case reflect.TypeFor[number]():
		return of("number", "")
	case reflect.TypeFor[fraction]():
		low, high := fractionBounds(tag)
		return fmt.Sprintf("number, %g to %g", low, high)
	case reflect.TypeFor[flag]():
		return "`true`, `false`"
	case reflect.TypeFor[span]():
		if !bounded {
			return "time, 0 to infinite"
		}
		return "time, " + FormatSpan(uint32(low)) + " to " + FormatSpan(uint32(high))
	case reflect.TypeFor[hexadecimal]():
		return of("hexadecimal", " octets")
	case reflect.TypeFor[octets]():
		if tag.Get("form") == "hex" {
			return of("hexadecimal", " octets")
		}
		return of("text or hexadecimal", " octets")
	case reflect.TypeFor[many[octets]](), reflect.TypeFor[many[number]](), reflect.TypeFor[many[text]](), reflect.TypeFor[many[codeRef]](), reflect.TypeFor[many[subnet]](), reflect.TypeFor[many[architecture]]():
		list, _ := t.FieldByName("list")
		return typeName(list.Type.Elem(), tag, seen) + "; one or a list"
	case reflect.TypeFor[rawOptions]():
		return "[options](#options)"
	}
	for known, name := range map[reflect.Type]string{
		reflect.TypeFor[texts](): "text, or a list of it", reflect.TypeFor[architecture](): "name or number", reflect.TypeFor[ip](): "address", reflect.TypeFor[subnet](): "prefix or address",
		reflect.TypeFor[block](): "range", reflect.TypeFor[domain](): "domain name", reflect.TypeFor[zoneName](): "domain name or prefix", reflect.TypeFor[ip4](): "IPv4 address",
		reflect.TypeFor[subnet4](): "IPv4 prefix", reflect.TypeFor[rawPool](): "range, or a table of ranges by node",
		reflect.TypeFor[rawMapping](): "table of text", reflect.TypeFor[codeRef](): "option's name or code", reflect.TypeFor[anything](): "as the type says",
		reflect.TypeFor[rawSuboptions](): "[suboptions](#types-of-data)",
	} {
		if t == known {
			return name
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem(), tag, seen)
	case reflect.Slice:
		return "list of " + strings.Replace(typeName(t.Elem(), tag, seen), "[table]", "[tables]", 1)
	}
	return "[table](#" + anchor(seen[t]) + ")"
}

// anchor is what the heading of a section becomes in a link.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.NewReplacer("[]", "", ".", "", "`", "").Replace(heading), " ", "-")
}

func table(b *strings.Builder, s section, seen map[reflect.Type]string) {
	b.WriteString("| Field | Type | Default | Meaning | Example |\n|---|---|---|---|---|\n")
	for _, f := range fieldsOf(s.t) {
		def := f.tag.Get("default")
		switch {
		case f.required:
			def = "*required*"
		case def == "" && isValue(s.t.Field(f.index).Type):
			def = "none"
		}
		meaning := f.tag.Get("jsonschema")
		if zero := f.tag.Get("zero"); zero != "" {
			meaning += " 0: " + zero + "."
		}
		row := []string{"`" + f.name + "`", typeName(s.t.Field(f.index).Type, f.tag, seen), def, meaning, "`" + f.tag.Get("example") + "`"}
		if f.tag.Get("example") == "" {
			row[4] = ""
		}
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", "\\|")
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	b.WriteString("\n")
}

// reference makes docs/configuration.md.
func reference(t testing.TB) []byte {
	t.Helper()
	var b strings.Builder
	b.WriteString(readFile(t, "testdata/reference.md"))
	seen := make(map[reflect.Type]string)
	for _, s := range sections("", reflect.TypeFor[rawConfig](), seen) {
		heading := "## The file"
		if s.path != "" {
			heading = "## " + s.path
		}
		b.WriteString(heading + "\n\n")
		table(&b, s, seen)
	}
	optionReference(&b)
	b.WriteString(readFile(t, "testdata/recipes.md"))
	return []byte(b.String())
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func optionReference(b *strings.Builder) {
	seen := map[reflect.Type]string{reflect.TypeFor[rawCustom](): "options.custom[]"}
	b.WriteString("## options\n\nOptions by their names, listed below, and these fields:\n\n")
	table(b, section{"options", reflect.TypeFor[optionLists]()}, seen)
	b.WriteString("### options.custom\n\n")
	table(b, section{"options.custom[]", reflect.TypeFor[rawCustom]()}, seen)
	b.WriteString("### Options by name\n\nA list with one entry can stand without its brackets. Other names are those of Kea and of IANA's registry.\n\n")
	b.WriteString("| Name | Code | Type | Meaning | Example |\n|---|---|---|---|---|\n")
	var structured []section
	for i := range optionSpecs {
		s := &optionSpecs[i]
		name := "`" + s.names[0] + "`"
		if len(s.names) > 1 {
			name += " (" + strings.Join(s.names[1:], ", ") + ")"
		}
		what := joinTypes(s.types, s.array)
		if s.raw != nil {
			more := sections("options."+s.names[0], s.raw, seen)
			structured = append(structured, more...)
			what = typeName(s.raw, s.tag, seen)
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | `%s` |\n", name, s.code, what, s.about, s.example)
	}
	b.WriteString("\n")
	for _, s := range structured {
		b.WriteString("### " + s.path + "\n\n")
		table(b, s, seen)
	}
	b.WriteString("### Types of data\n\nFor `option-definitions`, `options.custom` and suboptions. `bool`, `hex` and `fqdn-list` (a last `fqdn` that repeats) are other words.\n\n")
	b.WriteString("| Type | In the file | Sent | Example |\n|---|---|---|---|\n")
	for _, d := range dataTypes {
		fmt.Fprintf(b, "| `%s` | %s | %s | `%s` |\n", d.name, d.written, d.sent, d.example)
	}
	b.WriteString("\n### Suboptions with names\n\nIn `vendor-options`, beside those that `option-definitions` has.\n\n| Enterprise | Name | Code | Type |\n|---|---|---|---|\n")
	for _, enterprise := range slices.Sorted(maps.Keys(vendorSuboptions)) {
		for _, s := range vendorSuboptions[enterprise] {
			fmt.Fprintf(b, "| %d | `%s` | %d | %s |\n", enterprise, s.names[0], s.code, joinTypes(s.types, s.array))
		}
	}
	b.WriteString("\n### Options that can't be set\n\n| Code | Name | Why |\n|---|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(ownedOptions)) {
		o := ownedOptions[code]
		fmt.Fprintf(b, "| %d | %s | %s |\n", code, strings.Join(o.names, ", "), o.reason)
	}
	b.WriteString("\n")
}

// TestReferenceFields reads every field's example as that field, and sees that every field has a meaning.
func TestReferenceFields(t *testing.T) {
	all := sections("", reflect.TypeFor[rawConfig](), make(map[reflect.Type]string))
	seen := make(map[reflect.Type]string)
	for i := range optionSpecs {
		if raw := optionSpecs[i].raw; raw != nil {
			all = append(all, sections("options."+optionSpecs[i].names[0], raw, seen)...)
		}
	}
	all = append(all, section{"options", reflect.TypeFor[optionLists]()}, section{"options.custom", reflect.TypeFor[rawCustom]()})
	for _, s := range all {
		for _, f := range fieldsOf(s.t) {
			path := join(s.path, f.name)
			if f.tag.Get("jsonschema") == "" {
				t.Errorf("%s has no meaning", path)
			}
			example := f.tag.Get("example")
			if example == "" {
				if isValue(s.t.Field(f.index).Type) && s.t.Field(f.index).Type != reflect.TypeFor[rawOptions]() {
					t.Errorf("%s has no example", path)
				}
				continue
			}
			c := newChecker("example", len(example))
			c.into(exampleNode(t, example), path, reflect.New(s.t.Field(f.index).Type).Elem(), f.tag)
			if len(c.errors) > 0 {
				t.Errorf("%s: %s: %v", path, example, c.errors)
			}
			if strings.ContainsAny(example, "\n`") {
				t.Errorf("%s: %q doesn't fit into a table", path, example)
			}
		}
	}
}

func exampleNode(t testing.TB, example string) *yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.Load([]byte(example), &n); err != nil {
		t.Fatalf("%s: %v", example, err)
	}
	return n.Content[0]
}

// TestReferenceOptions encodes the example of every option and of every type.
func TestReferenceOptions(t *testing.T) {
	for i := range optionSpecs {
		s := &optionSpecs[i]
		c := newChecker("example", len(s.example))
		encoded := s.encoded(c, &namedOption{s.names[0], place{1, 1, s.names[0]}, exampleNode(t, s.example)})
		if len(c.errors) > 0 || len(c.warnings) > 0 || len(encoded) == 0 || len(encoded[0].Encoded) < 4 {
			t.Errorf("%s: %s: %v %v %v", s.names[0], s.example, c.errors, c.warnings, encoded)
		}
	}
	for _, d := range dataTypes {
		c := newChecker("example", len(d.example))
		if c.data(shape{types: []dataType{d.name}}, exampleNode(t, d.example), place{1, 1, "value"}); len(c.errors) > 0 {
			t.Errorf("%s: %v", d.name, c.errors)
		}
	}
}
