package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// A Package is what `go list` says of one.
type Package struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// ListPackages asks go list for our packages and all that they build on. Tests' imports aren't among them.
func ListPackages(folder string) ([]Package, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports", Module+"/...")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, fmt.Errorf("go list: %w\n%s", err, exit.Stderr)
		}
		return nil, err
	}
	var all []Package
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Package
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// coreOrder says which packages of core each package of core may import: worker -> engine -> {peer, policy, binding}
// -> address -> wire, policy -> {class, config}, class -> config, and query -> {policy, binding}. A package that isn't listed may import none.
var coreOrder = map[string][]string{
	"address":     {"wire"},
	"binding":     {"address", "wire"},
	"history":     {"binding", "wire"},
	"naming":      {},
	"config":      {"address", "naming", "wire"},
	"class":       {"config", "wire"},
	"policy":      {"class", "config", "address", "naming", "wire"},
	"peer":        {"policy", "binding", "address", "wire"},
	"query":       {"policy", "binding", "address", "wire"},
	"limit":       {},
	"engine":      {"limit", "reconfigure", "peer", "policy", "class", "config", "binding", "address", "naming", "wire"},
	"reconfigure": {"binding", "wire"},
	"upkeep":      {"binding", "naming", "wire"},
	"worker":      {"engine", "limit", "peer", "policy", "config", "binding", "address", "wire"},
	"convert":     {"policy", "config", "address", "wire"},
	"sim":         {"history", "worker", "engine", "peer", "policy", "config", "binding", "address", "wire"},
}

// coreLibraries are the modules of others that core builds on: small, and pure as core is.
var coreLibraries = []string{"github.com/cespare/xxhash/v2", "github.com/google/jsonschema-go/", "go.yaml.in/yaml/v4"}

// coreForbidden are the packages of the standard library through which core would touch the outside.
var coreForbidden = []string{"crypto/rand", "io/fs", "io/ioutil", "log", "log/slog", "math/rand", "net", "net/http", "os", "os/exec",
	"os/signal", "runtime/debug", "syscall", "testing"}

// silent are the packages that run for each packet: fmt has no place there.
var silent = []string{"core/wire", "core/address", "core/binding"}

// Imports holds the packages against the directions of the house.
func Imports(all []Package) []Violation {
	var found []Violation
	for _, p := range all {
		from, ours := within(p.ImportPath)
		if !ours {
			continue
		}
		for _, path := range p.Imports {
			if what := refuse(from, path); what != "" {
				found = append(found, Violation{Rule: "imports", Subject: from, What: "imports " + path + ": " + what})
			}
		}
	}
	return found
}

// within takes the module's path off an import path.
func within(path string) (rest string, ours bool) {
	if path == Module {
		return ".", true
	}
	return strings.CutPrefix(path, Module+"/")
}

// refuse says why a package must not import another, or nothing.
func refuse(from, path string) string {
	to, ours := within(path)
	room, toRoom := strings.SplitN(from, "/", 2)[0], strings.SplitN(to, "/", 2)[0]
	if room == "core" {
		return refuseCore(from, path, to, ours)
	}
	switch {
	case !ours || room == "cmd" || toRoom == room:
		return ""
	case toRoom == "cmd":
		return "nothing imports cmd"
	case toRoom == "bench":
		return "only cmd imports bench"
	case room == "bench":
		return ""
	case toRoom != "core":
		return room + " and " + toRoom + " don't know each other"
	}
	return ""
}

func refuseCore(from, path, to string, ours bool) string {
	name := strings.SplitN(strings.TrimPrefix(from, "core/"), "/", 2)[0]
	switch {
	case ours && !strings.HasPrefix(to, "core/"):
		return "core imports only core"
	case ours:
		target := strings.SplitN(strings.TrimPrefix(to, "core/"), "/", 2)[0]
		if target != name && !slices.Contains(coreOrder[name], target) {
			return "against the direction worker -> engine -> {peer, policy, binding} -> address -> wire"
		}
	case slices.Contains(coreForbidden, path):
		return "core has no sockets, disk, clock, logger or randomness of its own"
	case path == "fmt" && slices.Contains(silent, from):
		return "no fmt where every packet passes"
	case strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
		if !slices.ContainsFunc(coreLibraries, func(l string) bool { return path == l || strings.HasPrefix(path, strings.TrimSuffix(l, "/")+"/") }) {
			return "not one of core's libraries"
		}
	}
	return ""
}
