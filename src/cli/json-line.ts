// Owns how a JSON document reaches stdout: on a line of its own.
// Promises that the document's value is unchanged, and that no terminal, which such lines are shown on too, obeys what is in it.
// Does not make documents.

/** Outside of strings JSON has none of these, and inside they may be written as escapes. JSON.stringify does so below U+0020 only. */
const ACTIVE = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/gu

export const jsonLine = (document: string): string => `${harmlessJson(document)}\n`

export const harmlessJson = (document: string): string => document.replace(ACTIVE, escaped)

const escaped = (character: string): string =>
  [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('')
