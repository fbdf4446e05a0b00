package daemon

import (
	"fmt"
	"os"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
)

// secretText is the text that a secret names, without space around it: a file's (file:NAME, relative to the configuration's folder), or a
// variable's of the node's environment (env:NAME). What names neither is the text itself. Where it isn't there the error ends with the hint,
// how people get one; empty: there is none.
func secretText(s config.Secret, configFile, hint string) (string, error) {
	text := string(s)
	if name, ok := strings.CutPrefix(text, "file:"); ok {
		data, err := readBounded(beside(configFile, name))
		if err != nil {
			return "", hinted(err, hint)
		}
		text = string(data)
	} else if name, ok := strings.CutPrefix(text, "env:"); ok {
		if text, ok = os.LookupEnv(name); !ok {
			return "", hinted(fmt.Errorf("the environment has no %s", name), hint)
		}
	}
	return strings.TrimSpace(text), nil
}

func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}
