// Command lockstep6 is a DHCPv6 server whose nodes agree on every address without talking to each other.
package main

import (
	"os"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
