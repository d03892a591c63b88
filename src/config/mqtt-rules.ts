// What the settings of [mqtt] and [home_assistant] must obey: one rule for the loader, which names the line, and for the MQTT
// client, which relies on it. Each rule returns what is wrong, in words for the user, or null.

const levelPattern = /^[A-Za-z0-9_-]+$/;
const schemes: ReadonlySet<string> = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);

/** For the first levels of a topic: letters, digits, `_` and `-`; so no `+`, `#`, `$SYS`, NUL or empty level. */
export function prefixFault(prefix: string): string | null {
  const levels = prefix.split('/');
  if (prefix.length <= 64 && levels.every((level) => levelPattern.test(level))) return null;
  return 'use levels of A-Z, a-z, 0-9, _ and -, separated by single slashes, 64 characters at most';
}

/** For the address of the broker. The text never quotes it: it may hold a password. */
export function brokerUrlFault(url: string): string | null {
  const parsed = !/[\s\p{Cc}]/u.test(url) && URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !schemes.has(parsed.protocol) || parsed.hostname === '') {
    return 'use mqtt://host:1883 or mqtts://host:8883';
  }
  if (parsed.username === '' && parsed.password === '') return null;
  return 'put user and password into mqtt.username and mqtt.password_file, not into the url';
}

/** For the client certificate: the key that stands alone, and what it lacks. */
export function certificateFault(
  certFile: string | null,
  keyFile: string | null,
): { readonly key: 'cert_file' | 'key_file'; readonly text: string } | null {
  if ((certFile === null) === (keyFile === null)) return null;
  return keyFile === null
    ? { key: 'cert_file', text: 'needs mqtt.key_file beside it: give both or none' }
    : { key: 'key_file', text: 'needs mqtt.cert_file beside it: give both or none' };
}
