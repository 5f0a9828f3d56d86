// peers echo, net/http and fasthttp in Go: a goroutine a connection, as the language means it.
//
//	peer_go echo|http|fasthttp [--port N]
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/valyala/fasthttp"
)

const hello = "Hello, World!"

var helloBytes = []byte(hello)

func echo(peer net.Conn) {
	defer peer.Close()
	bytes := make([]byte, 64<<10)
	for {
		n, err := peer.Read(bytes)
		if n > 0 {
			if _, err := peer.Write(bytes[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func serveEcho(listener net.Listener) error {
	for {
		peer, err := listener.Accept()
		if err != nil {
			return err
		}
		go echo(peer) // TCP_NODELAY is on by default
	}
}

func serveHTTP(listener net.Listener) error {
	http.HandleFunc("/plaintext", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Server", "Go")
		w.Write(helloBytes)
	})
	return http.Serve(listener, nil)
}

func serveFastHTTP(listener net.Listener) error {
	server := fasthttp.Server{Name: "fasthttp", Handler: func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) != "/plaintext" {
			ctx.Error("", fasthttp.StatusNotFound)
			return
		}
		ctx.SetContentType("text/plain")
		ctx.SetBody(helloBytes)
	}}
	return server.Serve(listener)
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("echo, http or fasthttp?")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	port := flags.Int("port", 0, "0 picks one")
	flags.Parse(os.Args[2:])
	serve := map[string]func(net.Listener) error{"echo": serveEcho, "http": serveHTTP, "fasthttp": serveFastHTTP}[os.Args[1]]
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil || serve == nil {
		log.Fatal(os.Args[1], ": ", err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	log.Fatal(serve(listener))
}
