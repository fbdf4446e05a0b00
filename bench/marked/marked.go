// Package marked writes figures into pages of the documentation, between two marks that stand on them.
package marked

import (
	"errors"
	"strings"
)

// ErrMarks says that a page hasn't both marks, in their order.
var ErrMarks = errors.New("the page has lost the marks around its tables")

// Replace returns a page with what stands between its first begin and the end after that replaced by tables. The marks stay.
func Replace(page, begin, end, tables string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", ErrMarks
	}
	return before + begin + tables + end + after, nil
}
