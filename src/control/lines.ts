// Bytes to lines, bounded: whoever sends a longer line, or bytes that are not UTF-8, gets an error and not our memory.

/** A line was too long, or not UTF-8. */
export class LineRefused extends Error {}

/**
 * Yields each line of `source` without its newline. A last line without a newline is yielded too.
 * Throws LineRefused as soon as more than `maxBytes` came without a newline, or for bytes that are not UTF-8.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = chunk.subarray(start, end);
      if (keptBytes + line.length > maxBytes) throw new LineRefused(`a line is longer than ${maxBytes} bytes`);
      yield decode([...kept, line]);
      kept = [];
      keptBytes = 0;
      start = end + 1;
    }
    keptBytes += chunk.length - start;
    if (keptBytes > maxBytes) throw new LineRefused(`a line is longer than ${maxBytes} bytes`);
    if (start < chunk.length) kept.push(chunk.subarray(start));
  }
  if (keptBytes > 0) yield decode(kept);
}

function decode(parts: readonly Uint8Array[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new LineRefused('a line is not UTF-8');
  }
}
