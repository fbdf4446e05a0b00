package house

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Block is a fenced block of a page, with what the comment above it says to who tries the page out.
type Block struct {
	Page     string // from the top of the tree, with slashes
	Line     int    // of its opening fence
	Language string
	Text     string // with its last line feed
	Mark     Mark
}

func (b *Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Shell says whether a block holds commands.
func (b *Block) Shell() bool { return b.Language == "sh" || b.Language == "console" }

// A Mark is a comment <!-- block: WORD: ARGUMENT --> on the line above a block. A block without one is run, where it is commands, and
// parsed, where it is a configuration.
type Mark struct{ Word, Argument string }

// Words of marks.
const (
	NotRun  = "not run"  // commands that can't be run here; the argument is the reason. Ours among them are parsed all the same
	Slow    = "slow"     // commands that only `make longer` runs; the argument is the reason
	Serves  = "serves"   // one command that goes on, run beside the others until the node with the data folder in the argument is ready
	Fails   = "fails"    // commands the last of which must end with the exit code in the argument
	Creates = "file"     // a file, which is written under the name in the argument
	NotOurs = "not ours" // a file of another program; the argument is the reason
)

// marks tells in which languages each mark may stand; nil: in any.
var marks = map[string][]string{
	NotRun: {"sh", "console"}, Slow: {"sh", "console"}, Serves: {"sh"}, Fails: {"sh", "console"}, Creates: nil, NotOurs: {"yaml", "json", "ini"},
}

// languages that blocks may have. What is text is shown only: settings of relays, output, layouts of octets.
var languages = []string{"console", "ini", "json", "sh", "text", "yaml"}

var (
	marked  = regexp.MustCompile(`^<!-- block: ([a-z ]+): (\S.*) -->$`)
	command = regexp.MustCompile(`(?m)^([$#] )?(sudo )?(\./)?(lockstep6|go|make|curl|tcpdump|systemctl|apt-get|dhcrelay|dhcrelay6|dhcp6relay) [-a-z]`)
)

// Pages reads all blocks of the pages that are tried out: README.md, BENCHMARKS.md and docs/*.md. What nobody could try is a violation: a
// block that isn't closed, has no language or one that isn't known, or hides commands in text; a mark that marks nothing.
func Pages(fsys fs.FS) (blocks []Block, found []Violation, err error) {
	err = walk(fsys, ".md", func(name string, content []byte) error {
		if folder := path.Dir(name); folder == "docs" || name == "README.md" || name == "BENCHMARKS.md" {
			b, v := readBlocks(name, string(content))
			blocks, found = append(blocks, b...), append(found, v...)
		}
		return nil
	})
	return blocks, found, err
}

func readBlocks(name, markdown string) (blocks []Block, found []Violation) {
	report := func(line int, format string, args ...any) {
		found = append(found, Violation{Rule: "blocks", Subject: name, Line: line, What: fmt.Sprintf(format, args...)})
	}
	var open *Block
	var mark Mark
	n := 0
	for line := range strings.Lines(markdown) {
		n++
		bare := strings.TrimSpace(line)
		language, fenced := strings.CutPrefix(bare, "```")
		switch {
		case open == nil && fenced:
			open = &Block{Page: name, Line: n, Language: language, Mark: mark}
			mark = Mark{}
		case open != nil && fenced && language == "":
			if fault := open.fault(); fault != "" {
				report(open.Line, "%s", fault)
			}
			blocks = append(blocks, *open)
			open = nil
		case open != nil && fenced:
			report(open.Line, "the block isn't closed before the next one begins, in line %d", n)
			open = &Block{Page: name, Line: n, Language: language}
		case open != nil:
			open.Text += line
		default:
			if mark.Word != "" {
				report(n-1, "the mark isn't right above a block")
			}
			mark = Mark{}
			if m := marked.FindStringSubmatch(bare); m != nil {
				mark = Mark{m[1], m[2]}
			} else if strings.HasPrefix(bare, "<!-- block") {
				report(n, "want <!-- block: WORD: ARGUMENT -->")
			}
		}
	}
	if open != nil {
		report(open.Line, "the block isn't closed")
	}
	return blocks, found
}

// fault tells what is wrong with a block in itself, or nothing.
func (b *Block) fault() string {
	in, known := marks[b.Mark.Word]
	switch {
	case b.Mark.Word != "" && !known:
		return fmt.Sprintf("there is no mark %q", b.Mark.Word)
	case b.Mark.Word != "" && in != nil && !slices.Contains(in, b.Language):
		return fmt.Sprintf("the mark %q doesn't fit a block of %q", b.Mark.Word, b.Language)
	case b.Language == "":
		return "the block has no language: one of " + strings.Join(languages, ", ")
	case !slices.Contains(languages, b.Language):
		return fmt.Sprintf("nobody tries out blocks of %q: take one of %s", b.Language, strings.Join(languages, ", "))
	case b.Language == "ini" && b.Mark.Word == "":
		return "a block of \"ini\" is a file of another program: mark it as not ours, with the reason"
	case b.Language == "json" && b.Mark.Word == "" && !json.Valid([]byte(b.Text)):
		return "this isn't JSON"
	case !b.Shell() && b.Language != "yaml" && command.MatchString(b.Text):
		return "commands are shown in a block of sh or console"
	}
	return ""
}

// Session splits a block of console into its commands, after "$ " or, as root, "# ", and what each is shown to print. A command that ends
// in a backslash goes on in the next line.
func (b *Block) Session() (commands, outputs []string) {
	continued := false
	for line := range strings.Lines(b.Text) {
		command, is := strings.CutPrefix(line, "$ ")
		if !is {
			command, is = strings.CutPrefix(line, "# ")
		}
		switch {
		case continued:
			commands[len(commands)-1] += line
		case is:
			commands, outputs = append(commands, command), append(outputs, "")
		case len(commands) > 0:
			outputs[len(outputs)-1] += line
		}
		continued = (is || continued) && strings.HasSuffix(line, "\\\n")
	}
	return commands, outputs
}

// Script is what a shell runs of a block.
func (b *Block) Script() string {
	if b.Language != "console" {
		return b.Text
	}
	commands, _ := b.Session()
	return strings.Join(commands, "")
}

// varies is what differs from run to run: numbers, times, addresses, DUIDs, digests.
var varies = regexp.MustCompile(`[0-9A-Za-z:.,/%+µ-]*[0-9][0-9A-Za-z:.,/%+µ-]*|\[::\]|::`)

// Shown compares what a session printed with what the page shows: each line that is shown must have been printed, in this order, where
// words with digits in them may differ and blanks don't count. A line of dots stands for anything. It returns the first line that is missing.
func Shown(page, printed string) (missing string, ok bool) {
	loose := func(line string) string { return strings.Join(strings.Fields(varies.ReplaceAllString(line, "0")), " ") }
	rest := strings.Split(printed, "\n")
	for line := range strings.Lines(page) {
		want := loose(line)
		if want == "" || want == "..." {
			continue
		}
		at := slices.IndexFunc(rest, func(got string) bool { return loose(got) == want })
		if at < 0 {
			return strings.TrimSpace(line), false
		}
		rest = rest[at+1:]
	}
	return "", true
}
