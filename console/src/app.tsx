/** The whole console: asks for a key where the server wants one, and shows the page of the address. */
import { lazy, Suspense, useEffect, useMemo } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { Provider } from 'urql';
import { createClient } from './api/client';
import { session } from './api/session';
import { useStore } from './api/store';
import { Gate } from './gate';
import { listenForSlash } from './parts/search-box';
import { Skeleton } from './parts/states';
import { ProductsPage } from './pages/products';
import { Shell } from './shell';

const ProductPage = lazy(async () => ({ default: (await import('./pages/product')).ProductPage }));
const ReservationsPage = lazy(async () => ({
  default: (await import('./pages/reservations')).ReservationsPage,
}));
const NowPage = lazy(async () => ({ default: (await import('./pages/now')).NowPage }));
const WhyPage = lazy(async () => ({ default: (await import('./pages/why')).WhyPage }));
const SalePage = lazy(async () => ({ default: (await import('./pages/sale')).SalePage }));

export function App() {
  const { key, refused } = useStore(session);
  // A client keeps what it has read, so each key gets its own. `key` is read by its credentials.
  const client = useMemo(() => createClient(), [key]);
  useEffect(listenForSlash, []);
  if (refused) return <Gate />;
  return (
    <Provider value={client}>
      <Shell>
        <Suspense fallback={<Skeleton rows={10} />}>
          <Routes>
            <Route index element={<NowPage />} />
            <Route path="products" element={<ProductsPage />} />
            <Route path="products/:id" element={<ProductPage />} />
            <Route path="reservations" element={<ReservationsPage />} />
            <Route path="why" element={<WhyPage />} />
            <Route path="sale" element={<SalePage />} />
            <Route path="*" element={<Navigate to="/" replace />} />
          </Routes>
        </Suspense>
      </Shell>
    </Provider>
  );
}
