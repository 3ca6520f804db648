/** The places of a run: where a tree is tested, made from the settings. */
import type { Project } from '../../config/index.js';
import type { PlaceName } from '../../model/index.js';
import { observe } from '../../observe/index.js';
import { hostPlace, type HostOptions } from '../../places/index.js';
import { type ExecuteOptions, type Place } from '../../run/index.js';
import type { VerifyContext } from './verify-request.js';

export type DockerModule = typeof import('../../places/docker/index.js');

export function placesOf(
  project: Project,
  root: string,
  options: Pick<ExecuteOptions, 'outputFolder' | 'emit' | 'signal' | 'jobs'> & {
    readonly run: string;
    /** Every program on the host is observed, not only those whose runner asks for it. */
    readonly observe?: boolean;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
  docker: DockerModule | null,
  wrapHost: VerifyContext['wrapHost'] = (place) => place,
): (name: PlaceName) => Place {
  return (name) => {
    if (name === 'host' || docker === null) {
      const host: HostOptions = {
        root,
        env: options.env,
        outputFolder: options.outputFolder,
        emit: options.emit,
        observer: observe,
        observe: options.observe === true,
      };
      return wrapHost(hostPlace(host), host);
    }
    return docker.dockerPlace({
      root,
      environments: project.settings.docker.environments,
      layerCapacity: project.settings.docker.layer_capacity,
      stateFolder: project.directories.state,
      cacheFolder: project.directories.cache,
      outputFolder: options.outputFolder,
      runId: options.run,
      jobs: options.jobs,
      emit: options.emit,
      signal: options.signal,
      env: options.env,
    });
  };
}
