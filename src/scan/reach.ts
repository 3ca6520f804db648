/** Why a tag binds to nothing, in words that follow "this tag binds to nothing:"; the same for every language. */
import { glimpse } from './commented.js';

export const ENDED_BY = {
  blankLine: 'a blank line ends its reach',
  commentedTag: 'it is commented out itself',
  nothing: 'nothing follows it here',
  behindCode: 'it stands behind code that declares no test',
  ambient: 'an ambient declaration is no test and implements nothing',
} as const;

export const commentedOut = (text: string): string => `commented-out code ends its reach: \`${glimpse(text)}\``;
export const noDeclaration = (text: string): string =>
  `what follows is no declaration that it could name: \`${glimpse(text)}\``;
