// The page before its script has proved the secret: it holds nothing. Its sections arrive sealed.
import { type Html, html } from './html.js';
import { type Language, textsOf } from './texts.js';

export function shell(language: Language, title: string, sections: readonly string[]): Html {
  const texts = textsOf(language);
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} – roomkin</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<header><h1>${title}</h1></header>
<main>
<noscript><p class="bad">${texts.noScript}</p></noscript>
<p id="connection" class="bad" role="alert" hidden></p>
<p id="status" role="status">${texts.connecting}</p>
${sections.map((id) => html`<section id="${id}" aria-live="off"></section>\n`)}
</main>
<template id="texts" data-lost="${texts.lost}" data-ended="${texts.ended}" data-wrong="${texts.wrongLink}" data-nolink="${texts.noLink}" data-sending="${texts.sending}"></template>
</body>
</html>
`;
}
