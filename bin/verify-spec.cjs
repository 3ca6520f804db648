#!/usr/bin/env node
'use strict';
const argv = process.argv.slice(2);
void require('../dist/start.cjs').program('cli', ['verify']).main(argv, ['verify']);
