package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/house"
)

// top is the folder of the module.
const top = "../../../.."

// proven are pages whose commands another test runs.
var proven = map[string]string{"docs/api.md": "TestDocumentedRequests of cmd/lockstep6/internal/daemon"}

// TestPages runs the commands of README.md and docs/*.md, each page's in one shell and in their order, and holds what they print against
// what the page shows. A page is at a Site; its blocks' marks (house.Mark) say what is different. PAGETEST=all runs slow blocks too.
func TestPages(t *testing.T) {
	blocks, found, err := house.Pages(os.DirFS(top))
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	all := os.Getenv("PAGETEST") == "all"
	pages, order := map[string][]house.Block{}, []string(nil)
	for _, b := range blocks {
		shell := b.Shell() && b.Mark.Word != house.NotRun && (b.Mark.Word != house.Slow || all)
		if proven[b.Page] != "" || !shell && b.Mark.Word != house.Creates {
			continue
		}
		if pages[b.Page] == nil {
			order = append(order, b.Page)
		}
		pages[b.Page] = append(pages[b.Page], b)
	}
	for _, page := range order {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			t.Parallel()
			runPage(t, pages[page])
		})
	}
}

// runPage runs the blocks of one page.
func runPage(t *testing.T, blocks []house.Block) {
	t.Helper()
	own := false // the page starts nodes itself
	for _, b := range blocks {
		own = own || b.Mark.Word == house.Serves
	}
	h := newSite(t, !own)
	var script strings.Builder
	fmt.Fprintf(&script, "%s\n", pageHead)
	if setUp, err := os.ReadFile(filepath.Join("testdata/pages", filepath.Base(strings.TrimSuffix(blocks[0].Page, ".md"))+".sh")); err == nil {
		fmt.Fprintf(&script, "begin set-up out\n%s\n", setUp)
	}
	for i, b := range blocks {
		step(h, &script, i, b)
	}
	// In a process namespace of its own, so that whatever the page leaves running ends with its shell.
	p := h.Start("page", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "env", "PATH="+h.File("bin")+":"+os.Getenv("PATH"), "HOME="+h.Dir, "NO_COLOR=1",
		"bash", "-euo", "pipefail", h.Write("page.sh", script.String(), 0o644))
	if err := p.Wait(15 * patience); err != nil {
		block, out, _ := strings.Cut(strings.TrimSpace(h.read("pages/at")), " ")
		t.Fatalf("%s: %v\n%s", block, err, h.read("pages/"+out))
	}
	for i, b := range blocks {
		shown(t, h, i, b)
	}
}

// pageHead is how each page's shell begins.
const pageHead = `mkdir pages
pages=$PWD/pages
begin() { echo "$1" "$2" >"$pages/at"; exec >"$pages/$2" 2>&1 </dev/null; }
ready() { until curl -fs --unix-socket "$1/admin.sock" http://node/ready >/dev/null; do kill -0 $!; sleep 0.1; done; }`

// step adds one block to a page's script.
func step(h *Host, script *strings.Builder, i int, b house.Block) {
	name := fmt.Sprintf("block.%d", i)
	begin := fmt.Sprintf("begin %s %s", &b, name)
	fmt.Fprintln(script, begin)
	switch {
	case b.Mark.Word == house.Creates:
		fmt.Fprintf(script, "cp %s '%s'\n", h.Write(name, b.Text, 0o644), b.Mark.Argument)
	case b.Mark.Word == house.Serves:
		fmt.Fprintf(script, ". %s &\nready '%s'\n", h.Write(name, "exec "+b.Text, 0o644), b.Mark.Argument)
	case b.Mark.Word == house.Fails:
		fmt.Fprintf(script, "code=0; bash -eu %s || code=$?; [ $code = '%s' ]\n", h.Write(name, b.Script(), 0o644), b.Mark.Argument)
	case b.Language == "console":
		commands, _ := b.Session()
		for j, c := range commands {
			fmt.Fprintf(script, "%s.%d\n. %s\n", begin, j, h.Write(fmt.Sprintf("%s.%d", name, j), c, 0o644))
		}
	default:
		fmt.Fprintf(script, ". %s\n", h.Write(name, b.Text, 0o644))
	}
}

// shown compares what a session printed with what its page shows.
func shown(t *testing.T, h *Host, i int, b house.Block) {
	t.Helper()
	if b.Language != "console" || b.Mark.Word == house.Fails {
		return
	}
	commands, outputs := b.Session()
	for j, page := range outputs {
		printed := h.read(fmt.Sprintf("pages/block.%d.%d", i, j))
		if missing, ok := house.Shown(page, printed); !ok {
			t.Errorf("%s: %sdoesn't print %q as the page shows, but\n%s", &b, commands[j], missing, printed)
		}
	}
}
