// Lets Node run TypeScript: `node --import heurist/cli/frontend/typescript.mjs server.ts` in a folder that `heurist frontend init` made.
import { register } from 'tsx/esm/api'

register()
