// peers echo and http in Node: its own net and http modules.
//
//     node server.js echo|http [--port N]
'use strict';
const net = require('node:net');
const http = require('node:http');

function echo() {
    const server = net.createServer({ noDelay: true }, (peer) => {
        peer.on('error', () => peer.destroy());
        peer.pipe(peer);
    });
    return server;
}

function hello() {
    const body = Buffer.from('Hello, World!');
    const server = http.createServer((request, response) => {
        if (request.url !== '/plaintext') {
            response.writeHead(404).end();
            return;
        }
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length, Server: 'Node' });
        response.end(body);
    });
    server.keepAliveTimeout = 0; // connections stay open
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.connectionsCheckingInterval = 1 << 30;
    return server;
}

const what = { echo, http: hello }[process.argv[2]];
const at = process.argv.indexOf('--port');
const server = what();
server.listen({ host: '127.0.0.1', port: at > 0 ? Number(process.argv[at + 1]) : 0, backlog: 4096 }, () => {
    const { address, port } = server.address();
    console.log(`listening on ${address}:${port}`);
});
