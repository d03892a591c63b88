// JSON that somebody else wrote: the broker, another room, an older version, a damaged disk.
import type { z } from 'zod';

/** What `text` holds if it is JSON that `schema` accepts; null for anything else. Never throws. */
export function parseJson<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const result = schema.safeParse(value);
  return result.success ? result.data : null;
}
