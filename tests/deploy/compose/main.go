// Loads a Compose file with each of the profiles named, as Compose itself does: schema, merging, variables, references.
// Prints a line for each service.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	file, profiles := os.Args[1], os.Args[2:]
	for _, profile := range profiles {
		options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithProfiles([]string{profile}))
		if err != nil {
			fail(profile, err)
		}
		project, err := options.LoadProject(context.Background())
		if err != nil {
			fail(profile, err)
		}
		for name := range project.Services {
			fmt.Println(profile, name)
		}
	}
}

func fail(profile string, err error) {
	fmt.Fprintln(os.Stderr, profile, err)
	os.Exit(1)
}
