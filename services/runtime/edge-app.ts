// The express app of an edge: shows nothing of itself, answers errors like everything else.
import express, { type NextFunction, type Request, type Response } from 'express'
import { errorAnswer, type Answer, type Listen } from './answer'

/** An app with the routes that `add` puts on it; anything else is 404. */
export function createEdgeApp(
  listener: Listen,
  add: (app: express.Express) => void,
): express.Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  add(app)
  app.use(listener('other', () => Promise.resolve(errorAnswer(404, 'nothing here'))))
  app.use(
    // eslint-disable-next-line max-params -- express knows an error handler by its four parameters
    (error: unknown, request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error)
      else listener('other', () => answerTo(error))(request, response)
    },
  )
  return app
}

/** Only a path with broken escapes is the client's fault here. */
function answerTo(error: unknown): Promise<Answer> {
  if (error instanceof URIError) return Promise.resolve(errorAnswer(400, 'malformed path'))
  return Promise.reject(error instanceof Error ? error : new Error('unknown', { cause: error }))
}
