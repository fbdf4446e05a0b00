package house

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/cli"
	"github.com/lockstep6/lockstep6/core/config"
)

func documented(t *testing.T) []Block {
	t.Helper()
	blocks, found, err := Pages(os.DirFS(top))
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	return blocks
}

// notRunShare is how much of the shell's blocks may be marked as not run or left to other tests, in hundredths.
const notRunShare = 45

// TestBlocks reads every block of the documentation. What can't be run is listed by -v.
func TestBlocks(t *testing.T) {
	shell, left := 0, 0
	for _, b := range documented(t) {
		if !b.Shell() {
			continue
		}
		shell++
		if b.Mark.Word == NotRun {
			left++
			t.Logf("%s: not run: %s", &b, b.Mark.Argument)
			if len(strings.Fields(b.Mark.Argument)) < 3 {
				t.Errorf("%s: say in some words why it isn't run", &b)
			}
		}
		if commands := Commands(b.Script()); len(commands) == 0 {
			t.Errorf("%s: no command in it", &b)
		}
	}
	if shell < 40 || left*100 > shell*notRunShare {
		t.Errorf("%d of %d blocks of commands aren't run; at most %d in a hundred may be", left, shell, notRunShare)
	}
}

// What a fragment of a configuration is laid over, line by line: what it has itself is left out.
var base = []string{
	"listen: {interfaces: [eth0]}",
	`links: [{name: lan, match: {interface: eth0}, addresses: [{pool: "2001:db8:1::/64"}]}]`,
}

// whole makes a configuration of a fragment.
func whole(fragment string) string {
	text := fragment
	for _, line := range base {
		key, _, _ := strings.Cut(line, ":")
		if !strings.Contains("\n"+fragment, "\n"+key+":") {
			text += line + "\n"
		}
	}
	if cluster := "cluster:\n"; strings.Contains("\n"+text, "\n"+cluster) && !strings.Contains(text, "\n  id:") {
		text = strings.Replace(text, cluster, cluster+"  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11\n  key: file:cluster.key\n", 1)
	}
	return text
}

// TestConfigurations parses every block of YAML: a whole file, or a part that is laid over one.
func TestConfigurations(t *testing.T) {
	known := config.Beside{Provided: map[string]config.Provided{"uplink": {Prefix: netip.MustParsePrefix("2001:db8:ab00::/56")}}}
	read := 0
	for _, b := range documented(t) {
		if b.Language != "yaml" || b.Mark.Word == NotOurs {
			continue
		}
		read++
		parsed, faults := config.ParseWith(b.Page, []byte(whole(b.Text)), known)
		if faults != nil {
			t.Errorf("%s, in lines of the block: %v", &b, faults)
		} else if len(parsed.Warnings) > 0 {
			t.Errorf("%s: %v", &b, parsed.Warnings)
		}
	}
	if read < 50 {
		t.Errorf("only %d configurations", read)
	}
}

// TestDocumentedCommands: every command that a block shows is one that make or lockstep6 takes, by its own command line's rules.
func TestDocumentedCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(top, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, b := range documented(t) {
		if !b.Shell() {
			continue
		}
		for _, words := range Commands(b.Script()) {
			if words = Bare(words); len(words) > 0 && words[0] == "make" {
				for _, w := range words[1:] {
					if !strings.Contains(w, "=") && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(w)+`:`).Match(makefile) {
						t.Errorf("%s: make has no target %s", &b, w)
					}
				}
			}
			if args, ours := Ours(words); ours {
				parsed++
				if err := parse(args); err != nil {
					t.Errorf("%s: lockstep6 %s: %v", &b, strings.Join(args, " "), err)
				}
			}
		}
	}
	if parsed < 50 {
		t.Errorf("only %d commands", parsed)
	}
}

// find returns the command that arguments name, and the others.
func find(args []string) (*cobra.Command, []string, error) {
	root := cli.Root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	c, rest, err := root.Find(args)
	if err != nil {
		return nil, nil, err
	}
	c.InitDefaultHelpFlag()
	return c, rest, nil
}

// parse reads a command line as the program does before it runs the command. What the shell puts in is taken for a number.
func parse(args []string) error {
	args = slices.Clone(args)
	for i, a := range args {
		if strings.HasPrefix(a, "$") {
			args[i] = "1"
		}
	}
	c, rest, err := find(args)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if help, _ := c.Flags().GetBool("help"); help {
		return nil
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return err
	}
	if err := c.ValidateRequiredFlags(); err != nil {
		return err
	}
	return c.ValidateFlagGroups()
}

var span = regexp.MustCompile("`(?:sudo )?(?:\\./)?(lockstep6 [^`]+)`")

// TestNamedCommands: what sentences and tables name of our command line, in all of the documentation, exists: commands and flags.
func TestNamedCommands(t *testing.T) {
	named := 0
	err := walk(os.DirFS(top), ".md", func(name string, content []byte) error {
		for i, line := range strings.Split(string(content), "\n") {
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				named++
				words := strings.Fields(m[1])[1:]
				for last := range strings.SplitSeq(words[len(words)-1], "|") { // import kea|isc
					if err := exists(append(words[:len(words)-1:len(words)-1], last)); err != nil {
						t.Errorf("%s:%d: %s: %v", name, i+1, m[1], err)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if named < 100 {
		t.Errorf("only %d commands are named", named)
	}
}

// exists says whether there are a command and its flags. Sentences leave arguments out, and values of flags.
func exists(args []string) error {
	names := args
	if i := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") }); i >= 0 {
		names = args[:i]
	}
	c, rest, err := find(names)
	if err != nil {
		return err
	}
	if len(rest) > 0 && c.HasSubCommands() {
		return fmt.Errorf("there is no command %q in %s", rest[0], c.CommandPath())
	}
	for _, a := range args[len(names):] {
		flag, is := strings.CutPrefix(strings.TrimRight(a, ",;]"), "--")
		flag, _, _ = strings.Cut(flag, "=")
		if is && c.Flags().Lookup(flag) == nil && c.InheritedFlags().Lookup(flag) == nil {
			return fmt.Errorf("%s has no flag --%s", c.CommandPath(), flag)
		}
	}
	return nil
}

func TestBlocksCatches(t *testing.T) {
	page := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	_, got, err := Pages(folder(map[string]string{
		"README.md":         page("<!-- block: not run: it needs a router -->", "```sh", "lockstep6 serve", "```"),
		"docs/bare.md":      page("```", "x", "```"),
		"docs/hidden.md":    page("```text", "sudo lockstep6 serve", "```"),
		"docs/ini.md":       page("```ini", "[x]", "```"),
		"docs/json.md":      page("```json", "{", "```"),
		"docs/language.md":  page("```python", "x", "```"),
		"docs/lost.md":      page("<!-- block: not run: it needs a router -->", "", "```sh", "x", "```"),
		"docs/malformed.md": page("<!-- block: not run -->", "```sh", "x", "```"),
		"docs/open.md":      page("```yaml", "a: 1"),
		"docs/swallowed.md": page("```yaml", "a: 1", "```yaml", "b: 1", "```"),
		"docs/unfit.md":     page("<!-- block: not run: it needs a router -->", "```yaml", "a: 1", "```"),
		"docs/unknown.md":   page("<!-- block: sometimes: it depends -->", "```sh", "x", "```"),
		"docs/sub/free.md":  page("```", "x", "```"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	wantSubjects(t, []string{
		"blocks docs/bare.md", "blocks docs/hidden.md", "blocks docs/ini.md", "blocks docs/json.md", "blocks docs/language.md", "blocks docs/lost.md",
		"blocks docs/malformed.md", "blocks docs/open.md", "blocks docs/swallowed.md", "blocks docs/unfit.md", "blocks docs/unknown.md",
	}, got)
	for args, refused := range map[string]bool{
		"leases list --live": false, "check": false, "leases lists": true, "leases list --alive": true, "leases show": true, "serve x": true, "check --config": true,
		"help serve": false, "serve --help": false, "completion bash": false, "nothing": true,
	} {
		if err := parse(strings.Fields(args)); (err != nil) != refused {
			t.Errorf("%s: %v, want it refused: %v", args, err, refused)
		}
	}
	for args, refused := range map[string]bool{"leases": false, "check --against": false, "leases lists": true, "check --beside": true} {
		if err := exists(strings.Fields(args)); (err != nil) != refused {
			t.Errorf("named %s: %v, want it refused: %v", args, err, refused)
		}
	}
}

func TestCommandsReads(t *testing.T) {
	got := Commands(`make demo    # comment
sudo lockstep6 serve --config x.yaml > log 2>&1 &
cat >x.yaml <<END
no: command
END
lockstep6 bench --server '[::1]:10547' --pid "$(pidof lockstep6)" \
  --ramp | tee out && A=1 ip netns exec a lockstep6 top
`)
	want := [][]string{
		{"make", "demo"}, {"sudo", "lockstep6", "serve", "--config", "x.yaml"}, {"cat"},
		{"lockstep6", "bench", "--server", "[::1]:10547", "--pid", "$(pidof lockstep6)", "--ramp"}, {"tee", "out"},
		{"A=1", "ip", "netns", "exec", "a", "lockstep6", "top"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got)\n%s", diff)
	}
	if args, ours := Ours(got[len(got)-1]); !ours || !slices.Equal(args, []string{"top"}) {
		t.Errorf("arguments %q, ours %v", args, ours)
	}
}

func TestShown(t *testing.T) {
	b := Block{Language: "console", Text: "$ a \\\n  b\n12 leases\n...\n# c\n"}
	commands, outputs := b.Session()
	if diff := cmp.Diff([]string{"a \\\n  b\n", "c\n"}, commands); diff != "" {
		t.Errorf("commands (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"12 leases\n...\n", ""}, outputs); diff != "" {
		t.Errorf("outputs (-want +got)\n%s", diff)
	}
	printed := "begins\n2001:db8::1  of  00:03:ab\n7 leases\n"
	for page, shown := range map[string]bool{
		"2001:db8:1::7 of 00:04:01\n...\n12 leases\n": true, "12 leases\n": true, "12 bindings\n": false, "12 leases\nbegins\n": false,
	} {
		if missing, ok := Shown(page, printed); ok != shown {
			t.Errorf("%q: shown %v, %q is missing", page, ok, missing)
		}
	}
}
