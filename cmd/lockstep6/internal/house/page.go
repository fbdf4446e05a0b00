package house

import (
	"regexp"
	"slices"
	"strings"
)

// PagePath is the page that explains what the program logs.
const PagePath = "docs/messages.md"

// A page is docs/messages.md: a head, and a section for each identifier.
type page struct {
	head     string
	sections []section
}

// A section is a heading "## id", a line with the message as it is logged, and what there is to say about it.
type section struct{ id, example, text string }

var (
	heading = regexp.MustCompile(`(?m)^## ([a-z0-9-]+)\n`)
	shown   = regexp.MustCompile("^`[A-Z]+ .*`\n")
)

func readPage(markdown string) page {
	at := heading.FindAllStringSubmatchIndex(markdown, -1)
	p := page{head: markdown}
	for i, m := range at {
		if i == 0 {
			p.head = markdown[:m[0]]
		}
		end := len(markdown)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		s := section{id: markdown[m[2]:m[3]], text: strings.TrimSpace(markdown[m[1]:end])}
		if example := strings.TrimSuffix(shown.FindString(s.text+"\n"), "\n"); example != "" {
			s.example, s.text = example, strings.TrimSpace(s.text[len(example):])
		}
		p.sections = append(p.sections, s)
	}
	return p
}

// String is the page as it should be written: sections in the order of their identifiers.
func (p page) String() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(p.head) + "\n")
	for _, s := range p.sections {
		b.WriteString("\n## " + s.id + "\n\n")
		if s.example != "" {
			b.WriteString(s.example + "\n\n")
		}
		b.WriteString(s.text + "\n")
	}
	return b.String()
}

// settled returns the page with its sections in order and the messages as they are logged now.
func (p page) settled(all []Message) page {
	examples := make(map[string]string)
	for _, m := range all {
		if m.Text != "" {
			examples[m.ID] = "`" + m.Level + " " + m.Text + "`"
		}
	}
	p.sections = slices.Clone(p.sections)
	for i := range p.sections {
		p.sections[i].example = examples[p.sections[i].id]
	}
	slices.SortStableFunc(p.sections, func(a, b section) int { return strings.Compare(a.id, b.id) })
	return p
}

// Documented holds what is logged against the page: each message has a section that says something, each section is of a
// message, shows it as it is logged, and stands in order.
func Documented(all []Message, markdown string) (found []Violation) {
	report := func(what string) {
		found = append(found, Violation{Rule: "messages", Subject: PagePath, What: what})
	}
	p := readPage(markdown)
	said := make(map[string]bool)
	for _, s := range p.sections {
		switch {
		case said[s.id]:
			report("two sections " + s.id)
		case s.text == "":
			report("section " + s.id + " says nothing: what does the line mean, and what is to be done?")
		case !slices.ContainsFunc(all, func(m Message) bool { return m.ID == s.id }):
			report("section " + s.id + ": nothing logs that")
		}
		said[s.id] = true
	}
	for _, m := range all {
		if !said[m.ID] {
			report("no section ## " + m.ID)
			said[m.ID] = true
		}
	}
	if len(found) == 0 && p.settled(all).String() != markdown {
		report("sections out of order, or lines shown as they aren't logged: go test ./cmd/lockstep6/internal/house -run TestMessages -update")
	}
	return found
}
