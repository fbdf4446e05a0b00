package house

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Commands returns the simple commands of a script for the shell, each as its words without quotation marks, redirections and comments. It
// knows what pages of documentation hold: quotes, continued lines, pipes and lists, here-documents. A $(command) stays a word as it
// is written.
func Commands(script string) (all [][]string) {
	s := splitter{rest: script}
	for s.rest != "" {
		s.next()
	}
	s.end()
	return s.all
}

type splitter struct {
	rest     string
	all      [][]string
	words    []string
	word     strings.Builder
	begun    bool     // there is a word, if only ''
	skips    bool     // the next word is a redirection's
	awaited  []string // ends of here-documents that begin with the next line
	heredocs bool     // the next word is such an end
}

var hereDocument = regexp.MustCompile(`^<<-?`)

// next takes one character, or what belongs together.
func (s *splitter) next() {
	switch c := s.rest[0]; {
	case strings.HasPrefix(s.rest, "\\\n"):
		s.cut()
		s.rest = s.rest[2:]
	case c == '\\' && len(s.rest) > 1:
		s.take(s.rest[1:2], 2)
	case c == '\'':
		quoted, _, _ := strings.Cut(s.rest[1:], "'")
		s.take(quoted, len(quoted)+2)
	case c == '"':
		n := 1
		for n < len(s.rest) && s.rest[n] != '"' {
			if s.rest[n] == '\\' {
				n++
			}
			n++
		}
		s.take(s.rest[1:min(n, len(s.rest))], n+1)
	case strings.HasPrefix(s.rest, "$("):
		n, depth := 2, 1
		for ; n < len(s.rest) && depth > 0; n++ {
			depth += strings.Count(s.rest[n:n+1], "(") - strings.Count(s.rest[n:n+1], ")")
		}
		s.take(s.rest[:n], n)
	case c == '#' && !s.begun:
		comment, _, _ := strings.Cut(s.rest, "\n")
		s.rest = s.rest[len(comment):]
	case hereDocument.MatchString(s.rest):
		s.cut()
		s.heredocs = true
		s.rest = s.rest[len(hereDocument.FindString(s.rest)):]
	case c == '<' || c == '>':
		if w := s.word.String(); w != "" && strings.Trim(w, "0123456789") == "" {
			s.word.Reset()
			s.begun = false
		}
		s.cut()
		s.skips = true
		s.rest = strings.TrimLeft(s.rest, "<>&")
	case c == '\n':
		s.end()
		s.rest = s.rest[1:]
		s.documents()
	case strings.IndexByte("|&;(){}", c) >= 0 && !s.begun || strings.IndexByte("|&;", c) >= 0:
		s.end()
		s.rest = s.rest[1:]
	case c == ' ' || c == '\t':
		s.cut()
		s.rest = s.rest[1:]
	default:
		s.take(s.rest[:1], 1)
	}
}

func (s *splitter) take(text string, length int) {
	s.word.WriteString(text)
	s.begun = true
	s.rest = s.rest[min(length, len(s.rest)):]
}

// cut ends a word.
func (s *splitter) cut() {
	if s.begun {
		switch {
		case s.heredocs:
			s.awaited = append(s.awaited, s.word.String())
		case !s.skips:
			s.words = append(s.words, s.word.String())
		}
		s.skips, s.heredocs = false, false
	}
	s.word.Reset()
	s.begun = false
}

// end ends a command.
func (s *splitter) end() {
	s.cut()
	if len(s.words) > 0 {
		s.all = append(s.all, s.words)
	}
	s.words, s.skips = nil, false
}

// documents leaves out the here-documents that begin here.
func (s *splitter) documents() {
	for _, end := range s.awaited {
		for s.rest != "" {
			line, rest, _ := strings.Cut(s.rest, "\n")
			s.rest = rest
			if strings.TrimLeft(line, "\t") == end {
				break
			}
		}
	}
	s.awaited = nil
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// Bare returns a command without what only tells how it is run, such as sudo, settings of the environment and `ip netns exec`.
func Bare(words []string) []string {
	prefixes := []string{"sudo", "if", "then", "do", "while", "until", "else", "!", "time", "exec", "nohup"}
	for len(words) > 0 {
		switch {
		case assignment.MatchString(words[0]) || slices.Contains(prefixes, words[0]):
			words = words[1:]
		case len(words) > 4 && words[0] == "ip" && words[1] == "netns" && words[2] == "exec":
			words = words[4:]
		default:
			return words
		}
	}
	return nil
}

// Ours returns the arguments that a command gives to lockstep6, if it runs that.
func Ours(words []string) (args []string, is bool) {
	words = Bare(words)
	if len(words) == 0 || path.Base(words[0]) != "lockstep6" {
		return nil, false
	}
	return words[1:], true
}
