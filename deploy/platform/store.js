// npm's s3rver. Its own command ignores SIGTERM where it is the first process, and a store that is killed while it
// writes keeps half an object: this one answers the requests in progress and ends.
'use strict';
const S3rver = require('s3rver');

const store = new S3rver({
  directory: '/data',
  address: '0.0.0.0',
  port: 4568,
  vhostBuckets: false,
  configureBuckets: [{ name: 'beers', configs: [] }],
});
store.run().then(({ address, port }) => console.log(`S3rver listening on ${address}:${port}`));

process.once('SIGTERM', () => {
  store.close(() => process.exit(0));
  setInterval(() => store.httpServer.closeIdleConnections(), 100);
});
