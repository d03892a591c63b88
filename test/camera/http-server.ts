// A camera in the network: a real HTTP server that sends what such cameras send.
import { spawnSync } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';

export interface HttpCamera extends AsyncDisposable {
  /** http://127.0.0.1:PORT/stream */
  readonly address: string;
  readonly server: Server;
}

export async function httpCamera(listener: RequestListener): Promise<HttpCamera> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A grey JPEG of 128x96 pixels. */
export const jpegOf = (grey: number, width = 128, height = 96): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg({ quality: 95 })
    .toBuffer();

/** Sends pictures as an ESP32-CAM does, one each `periodMs`. `onSent` is called after each. */
export function mjpeg(
  pictureOf: (index: number) => Buffer,
  periodMs: number,
  { hasLength = true, onSent = () => {} }: { hasLength?: boolean; onSent?: (index: number) => void } = {},
): RequestListener {
  return async (_request, response) => {
    let isGone = false;
    response.on('close', () => {
      isGone = true;
    });
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace;boundary=123456789000000000000987654321' });
    const startedAt = performance.now();
    for (let index = 0; !isGone; index++) {
      const picture = pictureOf(index);
      const length = hasLength ? `Content-Length: ${picture.length}\r\n` : '';
      response.write(`\r\n--123456789000000000000987654321\r\nContent-Type: image/jpeg\r\n${length}\r\n`);
      response.write(picture);
      onSent(index);
      await delay(Math.max(0, startedAt + (index + 1) * periodMs - performance.now()));
    }
  };
}

/** Sends each of `parts` evenly in its time, as a camera that sends live; then ends, or with `stays` sends nothing more. */
export function live(
  parts: readonly { readonly bytes: Buffer; readonly ms: number }[],
  { stays = false }: { stays?: boolean } = {},
): RequestListener {
  return async (_request, response) => {
    let isGone = false;
    response.on('close', () => {
      isGone = true;
    });
    response.writeHead(200, { 'content-type': 'video/mp2t' });
    for (const { bytes, ms } of parts) {
      const startedAt = performance.now();
      for (let sent = 0; sent < bytes.length && !isGone; ) {
        const due = Math.min(bytes.length, Math.ceil((bytes.length * (performance.now() - startedAt + 50)) / ms));
        if (due > sent) response.write(bytes.subarray(sent, due));
        sent = Math.max(sent, due);
        await delay(40);
      }
    }
    if (!stays) response.end();
  };
}

/** MPEG-TS by ffmpeg from a generated picture. */
export function transportStream(...args: readonly string[]): Buffer {
  const run = spawnSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', ...args, '-f', 'mpegts', 'pipe:1'], {
    maxBuffer: 1e8,
  });
  if (run.status !== 0) throw new Error(run.stderr.toString());
  return run.stdout;
}
