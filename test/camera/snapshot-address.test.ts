// Addresses that give one picture for each request, asked without ffmpeg.
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { createSnapshotAddress } from '../../src/camera/snapshot-address.js';
import { httpCamera, jpegOf } from './http-server.js';

const { signal } = new AbortController();

t.test('an address that never answers, or stops in the middle of a picture, is given up after the limit', async (t) => {
  const picture = await jpegOf(120);
  let asked = 0;
  await using silent = await httpCamera(() => asked++);
  await using stops = await httpCamera((_request, response) => {
    asked++;
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': picture.length });
    response.write(picture.subarray(0, picture.length / 2));
  });
  for (const { address } of [silent, stops])
    await t.rejects(
      createSnapshotAddress(address, 300).get(signal),
      { message: 'Connection timed out: no picture within 0.3 s' },
      address,
    );
  t.equal(asked, 2);
  t.same(
    await createSnapshotAddress((await soon(picture)).address, 60_000).get(signal),
    picture,
    'the limit is for each picture',
  );

  async function soon(bytes: Buffer) {
    const camera = await httpCamera((_request, response) => void response.end(bytes));
    t.teardown(() => camera[Symbol.asyncDispose]());
    return camera;
  }
});

t.test('a camera with a link-local address is asked through its zone', async (t) => {
  const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.filter(({ address }) => address.startsWith('fe80:')).map(({ address }) => `${address}%${name}`),
  )[0];
  if (linkLocal === undefined) return t.comment('skipped: this machine has no link-local address');
  const picture = await jpegOf(120);
  const hosts: (string | undefined)[] = [];
  await using camera = await httpCamera((request, response) => {
    hosts.push(request.headers.authorization);
    response.end(picture);
  });
  camera.server.closeAllConnections();
  await new Promise((resolve) => camera.server.close(resolve));
  camera.server.listen(0, '::');
  await new Promise((resolve) => camera.server.once('listening', resolve));
  const { port } = camera.server.address() as AddressInfo;
  t.same(await createSnapshotAddress(`http://ada:pw@[${linkLocal}]:${port}/jpg`).get(signal), picture);
  t.same(hosts, [`Basic ${Buffer.from('ada:pw').toString('base64')}`]);
});
