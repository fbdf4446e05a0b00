package cli

import (
	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/config"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Long: `Print the JSON Schema of the configuration. Editors complete and check a file that begins with

  # yaml-language-server: $schema=lockstep6.schema.json`,
		Example: `  lockstep6 schema > lockstep6.schema.json`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(append(schema, '\n'))
			return err
		},
	}
}
