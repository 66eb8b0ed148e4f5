// Starts the page.
import './app.css';
import { mount } from 'svelte';
import CityPage from './pages/CityPage.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no element with the id "app" to start in');
mount(CityPage, { target });
