package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"gatehouse/app/config"
)

const importHelp = "Brings the groupings of a Pushgateway's persistence file into a running server, which has to allow that by --web.enable-admin-api. " +
	"Only groupings come in that are not held, and were not deleted so lately that this can be undone. It lists all groupings of the file and why they are left out.\n\n" + credentialHelp

const (
	importPatience  = 15 * time.Minute // with all of an import
	maxImportAnswer = 256 << 20
)

func (c *remote) defineImport(k *kingpin.Application) {
	from := k.Command("import", importHelp)
	c.defineServer(from)
	from.Arg("file", "The file. It is read only.").Required().StringVar(&c.file)
	from.Flag("dry-run", "Change nothing: list what would come in, and what would not.").BoolVar(&c.dryRun)
}

// imported is a server's answer to an import.
type imported struct {
	Imported  int `json:"imported"`
	LeftOut   int `json:"left_out"`
	Groupings []struct {
		Grouping string `json:"grouping"`
		Imported bool   `json:"imported"`
		Reason   string `json:"reason"`
		Refused  []struct {
			Family string `json:"family"`
			Reason string `json:"reason"`
		} `json:"families_refused"`
	} `json:"groupings"`
}

func (c *remote) importFile(ctx context.Context, s *server) error {
	f, err := openRegular(c.file)
	if err != nil {
		return fmt.Errorf("%q: %w", c.file, config.WithoutPath(err))
	}
	defer f.Close()
	path := "/api/v1/admin/import"
	if c.dryRun {
		path += "?dry_run=true"
	}
	s.client.Timeout, s.longest = importPatience, maxImportAnswer
	var answer imported
	err = s.send(ctx, http.MethodPost, path, "application/octet-stream", f, &answer)
	if refusal, ok := errors.AsType[*refusal](err); ok && refusal.status == http.StatusNotFound {
		return errors.New("the server takes no imports: it has to be started with --web.enable-admin-api, and --server has to name its path prefix if it has one")
	}
	if err != nil {
		return err
	}
	return c.print(&answer)
}

func openRegular(path string) (*os.File, error) {
	// Asked first, since opening a named pipe would wait.
	stat, err := os.Stat(path)
	if err == nil && !stat.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// print lists what came in and what did not.
func (c *remote) print(answer *imported) error {
	done, left := "imported", "left out"
	if c.dryRun {
		done, left = "would import", "would leave out"
	}
	out := bufio.NewWriter(c.out)
	for _, g := range answer.Groupings {
		grouping := printable(g.Grouping)
		if g.Imported {
			fmt.Fprintf(out, "%s %s\n", done, grouping)
		} else {
			fmt.Fprintf(out, "%s %s: %s\n", left, grouping, printable(g.Reason))
		}
		for _, f := range g.Refused {
			fmt.Fprintf(out, "%s %s of %s: %s\n", left, printable(f.Family), grouping, printable(f.Reason))
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.messages, "%s: %d; %s: %d.\n", done, answer.Imported, left, answer.LeftOut)
	return nil
}
