package serve_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/hessoscope/hessoscope/callbacks/serve"
)

// A program that serves its runs while it trains. The folder has one that has recorded
// nothing but its status.
func Example() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "first"), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "first", "run.json"), []byte(`{"status": "finished", "epoch": 20}`), 0o644); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	l, err := serve.Listen(0) // a free port of this computer
	if err != nil {
		log.Fatal(err)
	}
	s := &serve.Server{Paths: []string{dir}}
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, l) }()

	// Open serve.URL(l) or serve.RunURL(l, "first") in a browser.
	client := &http.Client{Transport: new(http.Transport)}
	page, err := client.Get(serve.RunURL(l, "first"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = io.Copy(io.Discard, page.Body)
	fmt.Println(page.Status, page.Header.Get("Content-Type"), err, page.Body.Close())
	client.CloseIdleConnections()

	cancel()
	fmt.Println(<-ended)
	// Output:
	// 200 OK text/html; charset=utf-8 <nil> <nil>
	// <nil>
}
