/** What is asked of every server over HTTP, word for word. */
export const DEDUCT_OPERATION = `mutation Deduct($input: DeductStockInput!) {
  deductStock(input: $input) {
    replayed
    results {
      __typename
      ... on DeductedItem { index productId locationId quantity remaining movementId }
      ... on FailedItem { index productId error { code message retryable } }
    }
  }
}`;
