// Calls the service with the client that openapi-generator generated (typescript-fetch), and prints the results.
import {
  BeerFromJSON, Configuration, DefaultApi, OpenInferenceProtocolApi, ProblemDetailsFromJSON, ResponseError,
} from "./client";
import type { Beer, Explanation, Pet, Prediction, ProblemDetails } from "./client";
import { BEER, RECIPE } from "./readme";

declare const process: { argv: string[] };
const [url, key, picture] = process.argv.slice(2);

async function problemOf(call: Promise<unknown>): Promise<[number, ProblemDetails]> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ResponseError) {
      return [error.response.status, ProblemDetailsFromJSON(await error.response.json())];
    }
    throw error;
  }
  throw new Error("the call was answered");
}

async function main() {
  const configuration = new Configuration({ basePath: url, apiKey: key });
  const api = new DefaultApi(configuration);
  const stranger = new DefaultApi(new Configuration({ basePath: url, apiKey: "wrong" }));
  const beer: Beer = BeerFromJSON(BEER);
  const written: Beer = { abv: 5.6, targetOg: 1056, targetFg: 1013, ebc: 17, ph: 4.4 };

  const prediction: Prediction = await api.predict({ beer });
  const same: Prediction = await api.predict({ beer: written });
  const recipe: Prediction = await api.predict({ beer: BeerFromJSON(RECIPE) });
  const explanation: Explanation = recipe.explanation!;
  const shares: number[] = explanation.contributions.map((each) => each.ibu);
  const batch = await api.predictBatch({ beers: { beers: [beer, { ...BeerFromJSON(RECIPE), explain: false }] } });
  const [invalid, invalidProblem] = await problemOf(api.predict({ beer: { ...beer, ebc: -1 } }));
  const [refused, refusedProblem] = await problemOf(stranger.predict({ beer }));
  const iris = await api.predictIris({ flower: { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 } });
  const image = new Blob([Uint8Array.from(atob(picture), (each) => each.charCodeAt(0))], { type: "image/jpeg" });
  const pet: Pet = await api.predictPet({ image });
  const model = await api.model({ name: "beer-ibu" });
  const health = await api.live();
  const protocol = new OpenInferenceProtocolApi(configuration);
  const tensor = { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] };
  const infer = await protocol.v2Infer({
    model: "iris", inferRequest: { inputs: [tensor], outputs: [{ name: "class_id" }] },
  });
  const data: number[] = infer.outputs[0].data!;

  console.log(JSON.stringify({
    prediction, same, recipe, sum: shares.reduce((sum, share) => sum + share, explanation.baseValue),
    predictions: batch.predictions, invalid: [invalid, invalidProblem.errors!.map((each) => each.field)],
    refused: [refused, refusedProblem.code], species: iris.species, animal: pet.pet,
    units: model.inputs.map((each) => each.unit), status: health.status, data,
  }));
}

main();
